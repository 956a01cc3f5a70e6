"""``patchlake query``, as it is called."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patchlake_cli.commands.query import completed_names
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.parameters import ParameterType
from patchlake_cli.lake.statements import queries
from tests.analytics.story import R5
from tests.query_command import WIDE, app, refusal, run


def test_sql_is_answered_with_a_table(story_folder: Path) -> None:
    result = run(story_folder, "SELECT run_id, nodes_listed FROM compliance_overall")

    assert result.stdout == f"run_id  {R5}\n\nnodes_listed\n{'-' * 12}\n          12\n\n1 row\n"


def test_a_named_query_is_answered_with_csv(story_folder: Path) -> None:
    result = run(story_folder, "--named", "overdue_nodes", "--param", "days=10", "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["overdue_status"], row["days_non_compliant"]) for row in rows] == [
        ("OVERDUE", "11"),
        ("POSSIBLY_OVERDUE", "11"),
        ("POSSIBLY_OVERDUE", "11"),
    ]


@pytest.mark.parametrize("given", [("--param", "10"), ("--parameter", "days=10"), ("--parameter", "10")])
def test_a_parameter_may_be_given_without_its_name(story_folder: Path, given: tuple[str, str]) -> None:
    named = run(story_folder, "--named", "overdue_nodes", "--param", "days=10")

    assert run(story_folder, "--named", "overdue_nodes", *given).stdout == named.stdout


@pytest.mark.parametrize("text", ["it's", '"', "x' OR 'a' = 'a", "a=b", "%", "; DROP TABLE runs", "\U0001f600"])
def test_a_text_is_a_value_and_never_sql(story_folder: Path, text: str) -> None:
    history = run(story_folder, "--named", "node_history", "--param", f"instance_id={text}", "--format", "json")
    echoed = run(story_folder, "SELECT ? AS given", "--param", f"1={text}", "--format", "json")

    assert json.loads(history.stdout) == []
    assert json.loads(echoed.stdout) == [{"given": text}]


@pytest.mark.parametrize("query_name", [query.name for query in queries()])
@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_a_name_that_is_empty_is_a_usage_error_of_every_query(story_folder: Path, query_name: str, value: str) -> None:
    [query] = [query for query in queries() if query.name == query_name]
    for asked in (each for each in query.parameters if each.type is ParameterType.TEXT):
        given = [f"--param={each.name}={value if each is asked else each.example}" for each in query.parameters]

        result = CliRunner().invoke(app, ["--lake", str(story_folder), "--named", query_name, *given], env=WIDE)

        assert result.exit_code == ExitCode.USAGE
        assert f"--param: {asked.name} is {value!r}: expected UTF-8 text that is not empty" in result.stderr
        assert query.empty is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " -- ?",
        "help",
        "SELECT",
        "WITH",
        "SELECT 1 UNION SELECT",
        "SELECT 1 FROM",
        "SELECT 'a",
        "DROP TABLE runs",
    ],
)
def test_a_text_that_is_no_statement_is_a_usage_error(text: str, tmp_path: Path) -> None:
    result = run(tmp_path / "is not even read", text)

    assert isinstance(result.exception, CommandError)
    assert (result.exception.exit_code, result.stdout) == (ExitCode.USAGE, "")


@pytest.mark.parametrize("name", [query.name for query in queries() if not query.parameters])
def test_every_query_is_answered_with_json(story_folder: Path, name: str) -> None:
    rows = json.loads(run(story_folder, "--named", name, "--format", "json").stdout)

    assert {row["run_id"] for row in rows} == {R5}


def test_waivers_stand_beside_compliance(story_folder: Path, tmp_path: Path) -> None:
    waivers = tmp_path / "waivers.csv"
    waivers.write_text("\ufeffinstance_id,reason\ni-00000000000000003,replaced in May\n", encoding="utf-8")

    result = run(
        story_folder,
        "--csv-table",
        f"waivers={waivers}",
        "--format",
        "json",
        "SELECT node.computer_name, node.days_non_compliant, waivers.reason FROM days_non_compliant AS node "
        "JOIN waivers ON waivers.instance_id = node.instance_id",
    )

    assert json.loads(result.stdout) == [
        {"computer_name": "host-3", "days_non_compliant": 11, "reason": "replaced in May"}
    ]


def test_the_settings_of_a_stack_are_options(story_folder: Path) -> None:
    asked = "SELECT compliance_status, scan_max_age_days FROM latest_patch_states WHERE computer_name = 'host-15'"

    result = run(story_folder, "--scan-max-age-days", "8", "--format", "json", asked)

    assert json.loads(result.stdout) == [{"compliance_status": "COMPLIANT", "scan_max_age_days": 8}]


def test_what_cannot_be_answered_ends_in_one_line(story_folder: Path, tmp_path: Path) -> None:
    assert refusal(story_folder, "SELECT x FROM runs").startswith('line 1, column 8: there is no column "x"')
    assert "contains no lake" in refusal(tmp_path, "SELECT 1")
    assert "cannot be read" in refusal(story_folder, "--csv-table", f"a={tmp_path}/no.csv", "SELECT 1")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "expects one of: a SELECT, --file PATH, --named QUERY, --list, --list-tables or --describe TABLE"),
        (
            ["SELECT 1", "--named", "changes"],
            "expects one of: a SELECT, --file PATH, --named QUERY, --list, --list-tables or --describe TABLE",
        ),
        (
            ["--named", "change"],
            (
                "--named: there is no named query 'change'; did you mean \"changes\"? "
                "`patchlake query --list` lists them all."
            ),
        ),
        (["--named", "overdue_nodes"], "--param: expected the parameter of overdue_nodes, such as days=30 (N, the"),
        (
            ["--named", "changes", "--csv-table", "waivers=w.csv"],
            "--csv-table has no effect with --named: leave one of them out",
        ),
        (["--csv-table", "waivers.csv", "SELECT 1"], "expected NAME=FILE"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(story_folder: Path, arguments: list[str], complaint: str) -> None:
    result = CliRunner().invoke(app, ["--lake", str(story_folder), *arguments], env=WIDE)

    assert result.exit_code == ExitCode.USAGE
    assert complaint in result.stderr


def test_the_help_names_every_named_query() -> None:
    # Wide enough that no name is broken across lines.
    text = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "400"}).stdout

    assert all(query.name in text for query in queries())


ONE = "SELECT 1 AS one"


def test_names_of_queries_are_completed() -> None:
    assert completed_names("not_s") == ["not_scanned"]
    assert set(completed_names("")) == {each.name for each in queries()}


def test_the_lake_may_come_from_a_variable(story_folder: Path) -> None:
    result = CliRunner().invoke(app, [ONE, "--format", "csv"], env={"PATCHLAKE_LAKE": str(story_folder)})
    wrong = CliRunner().invoke(app, [ONE], env=WIDE | {"PATCHLAKE_LAKE": "ftp://x"})

    assert result.stdout == '"one"\n1\n'
    assert wrong.exit_code == ExitCode.USAGE
