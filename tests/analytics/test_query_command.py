"""``patchlake query``, as it is called."""

import csv
import io
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from patchlake_cli.commands.query import query
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.statements import queries
from tests.analytics.story import R5

app = typer.Typer()
app.command()(query)


def run(lake: Path, *arguments: str) -> Result:
    """Call the command on a lake as of the day of the story."""
    return CliRunner().invoke(app, ["--lake", str(lake), "--as-of", "2026-11-13", *arguments])


def refusal(lake: Path, *arguments: str) -> str:
    """Return the one line with which the command ends."""
    result = run(lake, *arguments)
    assert isinstance(result.exception, CommandError)
    assert result.stdout == ""
    return str(result.exception)


def test_sql_is_answered_with_a_table(story_folder: Path) -> None:
    result = run(story_folder, "SELECT run_id, nodes_listed FROM compliance_overall")

    assert result.exit_code == 0
    assert result.stdout == f"run_id            nodes_listed\n{'-' * 16}  {'-' * 12}\n{R5}            12\n\n1 row\n"
    assert result.stderr == ""


def test_a_named_query_is_answered_with_csv(story_folder: Path) -> None:
    result = run(story_folder, "--named", "overdue_nodes", "--parameter", "10", "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["days_non_compliant"] for row in rows] == ["11", "11"]


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


def test_an_empty_window_is_said_to_be_empty(story_folder: Path) -> None:
    result = CliRunner().invoke(
        app, ["--lake", str(story_folder), "--as-of", "2027-03-01", "SELECT run_coverage FROM latest_run"]
    )

    assert "no snapshot since 2027-01-25" in result.stdout
    assert result.stderr == (
        "patchlake: no snapshot since 2027-01-25: the newest run is from 2026-11-13. "
        "Use --as-of 2026-11-13 to query the lake as it was then.\n"
    )


def test_what_cannot_be_answered_ends_in_one_line(story_folder: Path, tmp_path: Path) -> None:
    assert refusal(story_folder, "SELECT x FROM runs").startswith('line 1, column 8: there is no column "x"')
    assert "contains no lake" in refusal(tmp_path, "SELECT 1")
    assert "cannot be read" in refusal(story_folder, "--csv-table", f"a={tmp_path}/no.csv", "SELECT 1")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "expected either one SELECT or --named NAME"),
        (["SELECT 1", "--named", "changes"], "expected either one SELECT or --named NAME"),
        (
            ["--named", "change"],
            "there is no named query 'change'; did you mean \"changes\"? The named queries are: accounts_and",
        ),
        (["--named", "overdue_nodes"], "overdue_nodes needs 1 parameter, not 0. days: N, the days"),
        (["--csv-table", "waivers.csv", "SELECT 1"], "expected NAME=FILE"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(story_folder: Path, arguments: list[str], complaint: str) -> None:
    result = CliRunner().invoke(app, ["--lake", str(story_folder), *arguments], env={"COLUMNS": "400"})

    assert result.exit_code == ExitCode.USAGE
    assert complaint in result.stderr


def test_the_help_names_every_named_query() -> None:
    # Wide enough that no name is broken across lines.
    text = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "400"}).stdout

    assert all(query.name in text for query in queries())
