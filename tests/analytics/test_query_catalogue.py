"""``patchlake query --list``, ``--list-tables`` and ``--describe``: what can be asked, without a lake."""

import json

import pytest
import typer
from typer.core import TyperCommand, TyperOption
from typer.testing import CliRunner, Result

from patchlake.sources.registry import SOURCES
from patchlake_cli.commands.query import query
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.lake.policy import POLICY_TABLES
from patchlake_cli.lake.statements import HISTORY, queries, views

app = typer.Typer()
app.command()(query)
WIDE = {"COLUMNS": "400"}
OF_ALL_ANSWERS = {"--format", "--out", "--limit", "--list", "--list-tables", "--describe", "--help"}


def run(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(app, arguments, env=WIDE | variables)


def others() -> list[str]:
    """Return each other option of the command, with a value that it would take."""
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)
    names = [option for option in command.params if isinstance(option, TyperOption)]
    values = {"--as-of": "2026-11-01", "--lake": "lake", "--stack": "stack"}
    return [
        each.opts[0] if each.is_flag else f"{each.opts[0]}={values.get(each.opts[0], '1')}"
        for each in names
        if each.opts[0] not in OF_ALL_ANSWERS and "completion" not in each.opts[0]
    ]


def test_the_named_queries_are_listed_each_on_one_line() -> None:
    listed = run("--list").stdout.splitlines()

    assert [line.split()[0] for line in listed[2:-2]] == [each.name for each in queries()]
    assert all(each.question in line for each, line in zip(queries(), listed[2:-2], strict=True))


def test_the_tables_and_views_are_listed_each_once_and_can_be_described() -> None:
    listed = json.loads(run("--list-tables", "--format", "json").stdout)

    assert all(each["rows"].endswith(".") for each in listed)
    assert [each["name"] for each in listed if each["kind"] == "table"] == [
        table.name for table in (*SOURCES.tables, *POLICY_TABLES)
    ]
    assert [each["name"] for each in listed if each["kind"] == "view"] == sorted(
        view.name for view in views() if not view.name.startswith(HISTORY)
    )


@pytest.mark.parametrize("relation", [*(view.name for view in views()), *(table.name for table in SOURCES.tables)])
def test_every_table_and_view_is_described(relation: str) -> None:
    described = json.loads(run("--describe", relation, "--format", "json").stdout)

    assert described
    assert all(each["type"] and each["meaning"] for each in described)


def test_a_table_that_does_not_exist_is_refused_with_a_similar_name() -> None:
    result = run("--describe", "run")

    assert result.exit_code == ExitCode.USAGE
    assert '--describe: there is no table or view "run"; did you mean "runs"?' in result.stderr


@pytest.mark.parametrize("catalogue", [("--list",), ("--list-tables",), ("--describe", "runs")], ids=" ".join)
@pytest.mark.parametrize("other", others())
def test_an_option_about_a_lake_is_refused(catalogue: tuple[str, ...], other: str) -> None:
    result = run(*catalogue, other)

    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "expects one of: a SELECT" in result.stderr or (
        f"{other.partition('=')[0]} has no effect with {catalogue[0]}: leave one of them out" in result.stderr
    )


def test_the_variables_of_a_shell_change_nothing() -> None:
    assert (
        run("--list", PATCHLAKE_LAKE="lake", PATCHLAKE_STACK="s", PATCHLAKE_PROFILE="p").stdout == run("--list").stdout
    )
