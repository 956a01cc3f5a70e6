"""``patchlake query``, as it is called."""

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from patchlake_cli.commands.query import completed_names, query
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.parameters import ParameterType
from patchlake_cli.lake.statements import queries
from patchlake_cli.visible_text import visible
from tests.analytics.story import R5
from tests.analytics.synthetic import collected, listed, unread, write_run
from tests.world import HOME

app = typer.Typer()
app.command()(query)
WIDE = {"COLUMNS": "400"}


def run(lake: Path, *arguments: str) -> Result:
    """Call the command on a lake as of the day of the story."""
    return run_as_of("2026-11-13", lake, *arguments)


def run_as_of(day: str, lake: Path, *arguments: str) -> Result:
    """Call the command; the result's value is what it returned."""
    options = ["--lake", str(lake), "--as-of", day, *arguments]
    return CliRunner().invoke(app, options, standalone_mode=False)


def refusal(lake: Path, *arguments: str) -> str:
    """Return the one line with which the command ends."""
    result = run(lake, *arguments)
    assert isinstance(result.exception, CommandError)
    assert result.stdout == ""
    return str(result.exception)


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


UNREAD = (
    "patchlake: run 20261113T060000Z is UNPUBLISHED: its coverage counts 14 nodes, and its snapshot has 0. "
    "It is being published, or its files are damaged, or copied. Run 20261112T060000Z answers instead.\n"
    "patchlake: run 20261112T060000Z is PARTIAL: 3 of 4 targets read, 2 no longer planned; not read: "
    "222233334444 us-east-1 (ACCESS_DENIED), 1 node (INVALID_RESPONSE), 2 nodes (NOT_COLLECTED).\n"
    "patchlake: run 20261112T060000Z does not plan 2 targets of earlier runs: 444455556666 eu-central-1, "
    "444455556666 us-east-1 (1 node when last listed). See --named no_longer_planned.\n"
)


@pytest.mark.parametrize(
    "question",
    [("--named", "changes"), ("SELECT run_id FROM latest_run",), ("SELECT count(*) AS nodes FROM patch_states",)],
)
@pytest.mark.parametrize("output_format", ["table", "csv", "json"])
def test_an_answer_of_a_partial_run_is_printed_whole_and_said_to_be_partial(
    story_folder: Path, question: tuple[str, ...], output_format: str
) -> None:
    asked = ("--format", output_format, *question)

    result, allowed = run(story_folder, *asked), run(story_folder, "--allow-partial", *asked)

    assert (result.return_value, result.stderr) == (ExitCode.PARTIAL, UNREAD)
    assert (allowed.return_value, allowed.stderr) == (ExitCode.COMPLETE, UNREAD)
    assert result.stdout == allowed.stdout
    assert "patchlake" not in result.stdout


def test_an_answer_that_does_not_depend_on_the_lake_is_whole(story_folder: Path, tmp_path: Path) -> None:
    owners = tmp_path / "owners.csv"
    owners.write_text("name\nAnna\n", encoding="utf-8")

    for asked in (["SELECT 1 AS one"], ["--csv-table", f"owners={owners}", "SELECT name FROM owners"]):
        result = run(story_folder, *asked)
        assert (result.return_value, result.stderr) == (ExitCode.COMPLETE, "")


def test_an_answer_of_a_complete_run_is_whole(tmp_path: Path) -> None:
    write_run(tmp_path, "20261112T060000Z", [listed(1)], [collected("20261112T060000Z", 1)])

    result = run(tmp_path, "--named", "compliant_nodes")

    assert (result.return_value, result.stderr) == (ExitCode.COMPLETE, "")


OLDER, NEWER = "20261111T060000Z", "20261112T060000Z"


def test_what_left_the_plan_of_a_complete_run_is_a_note_and_no_gap(tmp_path: Path) -> None:
    here, gone = listed(1), listed(2, account_id="444455556666")
    nodes = [collected(OLDER, 1), *(collected(OLDER, number, account_id="444455556666") for number in (2, 3))]
    write_run(tmp_path, OLDER, [here, gone, unread(region="eu-west-1")], nodes)
    write_run(tmp_path, NEWER, [here], [collected(NEWER, 1)])

    result = run(tmp_path, "--named", "compliant_nodes")
    left = json.loads(run(tmp_path, "--named", "no_longer_planned", "--format", "json").stdout)

    assert (result.return_value, result.stderr) == (
        ExitCode.COMPLETE,
        (
            f"patchlake: run {NEWER} does not plan 2 targets of earlier runs: {HOME} eu-west-1, 444455556666 "
            "eu-central-1 (2 nodes when last listed, 1 never listed). See --named no_longer_planned.\n"
        ),
    )
    assert sorted(row["what"] for row in left) == ["NODE", "NODE", "TARGET", "TARGET"]


@pytest.mark.parametrize(
    ("coverage", "nodes", "why"),
    [
        ([listed(2)], 1, "its coverage counts 2 nodes, and its snapshot has 1"),
        ([listed(1)], 2, "its coverage counts 1 nodes, and its snapshot has 2"),
        ([unread()], 1, "its coverage counts 0 nodes, and its snapshot has 1"),
        ([], 1, "it has no coverage, and its snapshot has 1"),
    ],
    ids=["lost rows", "more rows", "rows of a target that was not read", "no coverage"],
)
def test_a_newest_run_whose_tables_do_not_agree_is_a_gap(
    tmp_path: Path, coverage: list[dict[str, object]], nodes: int, why: str
) -> None:
    write_run(tmp_path, OLDER, [listed(1)], [collected(OLDER, 1)])
    write_run(tmp_path, NEWER, coverage, [collected(NEWER, number) for number in range(nodes)])

    result = run(tmp_path, "SELECT run_id FROM latest_run")
    allowed = run(tmp_path, "SELECT run_id FROM latest_run", "--allow-partial")

    assert OLDER in result.stdout
    assert (result.return_value, allowed.return_value) == (ExitCode.PARTIAL, ExitCode.COMPLETE)
    assert (
        result.stderr
        == allowed.stderr
        == (
            f"patchlake: run {NEWER} is UNPUBLISHED: {why}. It is being published, or its files are damaged, or "
            f"copied. Run {OLDER} answers instead.\n"
        )
    )


def test_a_run_without_nodes_is_published(tmp_path: Path) -> None:
    write_run(tmp_path, NEWER, [listed(0)], [])

    assert run(tmp_path, "--named", "changes").stderr == ""


@pytest.mark.parametrize("node", ["i-0000000000000dead", "nonsense", "I-00000001", "\x1b[31m"])
def test_a_node_that_no_run_listed_is_said_to_be_listed_by_none(tmp_path: Path, node: str) -> None:
    write_run(tmp_path, NEWER, [listed(1)], [collected(NEWER, 1)])

    result = run(tmp_path, "--named", "node_history", "--param", f"instance_id={node}", "--format", "json")
    known = run(tmp_path, "--named", "node_history", "--param", "instance_id=i-00000001")

    assert (result.return_value, json.loads(result.stdout)) == (ExitCode.COMPLETE, [])
    assert result.stderr == (
        f"patchlake: no rows for instance_id={visible(node)}: no published run of the window listed the node.\n"
    )
    assert (known.return_value, known.stderr) == (ExitCode.COMPLETE, "")


@pytest.mark.parametrize("query_name", [query.name for query in queries()])
@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_a_name_that_is_empty_is_a_usage_error_of_every_query(story_folder: Path, query_name: str, value: str) -> None:
    [query] = [query for query in queries() if query.name == query_name]
    for asked in (each for each in query.parameters if each.type is ParameterType.TEXT):
        given = [f"--param={each.name}={value if each is asked else each.example}" for each in query.parameters]

        result = CliRunner().invoke(app, ["--lake", str(story_folder), "--named", query_name, *given], env=WIDE)

        assert result.exit_code == ExitCode.USAGE
        assert f"--param: {asked.name} is {value!r}: expected a text in UTF-8 that is not empty" in result.stderr
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


def test_many_unread_targets_are_counted(tmp_path: Path) -> None:
    write_run(tmp_path, "20261112T060000Z", [unread(account_id=f"{number:012}") for number in range(7)], [])

    result = run(tmp_path, "--named", "compliant_nodes")

    assert result.return_value == ExitCode.PARTIAL
    assert "0 of 7 targets read; not read: 000000000000 eu-central-1 (ACCESS_DENIED), " in result.stderr
    assert result.stderr.endswith("000000000004 eu-central-1 (ACCESS_DENIED), 2 more targets.\n")


def test_a_date_without_a_run_before_or_after_it_is_said_to_be_outside_the_history(story_folder: Path) -> None:
    result = run(story_folder, "--named", "changes_since", "--param", "date=2026-10-31", "--format", "csv")
    in_history = run(story_folder, "--named", "changes_since", "--param", "date=2026-11-01", "--format", "csv")

    too_early = "patchlake: date=2026-10-31 is before the first run of the window, which is from 2026-11-01. "
    assert result.return_value == ExitCode.PARTIAL
    assert result.stderr == f"{too_early}Use --window-days 43 to look further back.\n{UNREAD}"
    assert {row["change"] for row in csv.DictReader(io.StringIO(result.stdout))} == {"NOT_COMPARED"}
    assert in_history.stderr == UNREAD
    newest = run(story_folder, "--named", "changes_since", "--param", "date=2026-11-12")
    assert newest.stderr == f"patchlake: date=2026-11-12 has no later run: the newest one is from 2026-11-12.\n{UNREAD}"
    # Nothing is older than the first run of the lake.
    beyond = run(story_folder, "--window-days", "99", "--named", "changes_since", "--param", "date=2026-09-30")
    assert beyond.stderr.startswith("patchlake: date=2026-09-30 is before the first run of the window, which is from ")
    assert beyond.stderr.endswith(f"2026-10-01.\n{UNREAD}")


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
    result = run_as_of("2027-03-01", story_folder, "SELECT run_coverage FROM latest_run")

    assert result.return_value == ExitCode.PARTIAL
    assert "no snapshot since 2027-01-25" in result.stdout
    assert result.stderr == (
        "patchlake: no snapshot since 2027-01-25: the newest run is from 2026-11-13. "
        "Use --as-of 2026-11-13 to see the lake as it was then.\n"
    )


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (
            "2026-09-30",
            "no snapshot up to 2026-09-30: the first run is from 2026-10-01. Use --as-of 2026-10-01 or a later date",
        ),
        (
            "2026-10-20",
            (
                "no snapshot since 2026-10-19: the newest run is from 2026-10-01. "
                "Use --as-of 2026-10-01 to see the lake as it was then"
            ),
        ),
        (
            "2026-11-14",
            (
                "run 20261113T060000Z is UNPUBLISHED: its coverage counts 14 nodes, and its snapshot has 0. It is "
                "being published, or its files are damaged, or copied.\n"
                "patchlake: no snapshot since 2026-11-13: no run of the window is published"
            ),
        ),
    ],
)
def test_a_window_without_a_snapshot_is_explained(story_folder: Path, as_of: str, expected: str) -> None:
    asked = ("--window-days", "1", "--named", "non_compliant_nodes")

    result = run_as_of(as_of, story_folder, *asked, "--format", "csv")
    allowed = run_as_of(as_of, story_folder, *asked, "--allow-partial")

    assert (result.return_value, result.stderr) == (ExitCode.PARTIAL, f"patchlake: {expected}.\n")
    assert len(result.stdout.splitlines()) == 1
    assert allowed.return_value == ExitCode.COMPLETE


def test_what_cannot_be_answered_ends_in_one_line(story_folder: Path, tmp_path: Path) -> None:
    assert refusal(story_folder, "SELECT x FROM runs").startswith('line 1, column 8: there is no column "x"')
    assert "contains no lake" in refusal(tmp_path, "SELECT 1")
    assert "cannot be read" in refusal(story_folder, "--csv-table", f"a={tmp_path}/no.csv", "SELECT 1")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "expects one of: a SELECT, --file FILE, --named NAME, --list or --describe TABLE"),
        (
            ["SELECT 1", "--named", "changes"],
            "expects one of: a SELECT, --file FILE, --named NAME, --list or --describe TABLE",
        ),
        (
            ["--named", "change"],
            "--named: there is no named query 'change'; did you mean \"changes\"? The named queries are: accounts_and",
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


def test_a_select_is_read_from_a_file_or_from_standard_input(story_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "asked.sql"
    file.write_text(ONE, encoding="utf-8")
    options = ["--lake", str(story_folder), "--format", "csv"]

    asked = [([ONE], ""), (["--file", str(file)], ""), (["-"], ONE), (["--file", "-"], ONE)]
    results = [CliRunner().invoke(app, [*options, *words], input=given) for words, given in asked]

    assert [result.stdout for result in results] == ['"one"\n1\n'] * 4


def test_a_file_that_is_no_text_is_named(story_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.sql").write_bytes(b"SELECT '\xe9'")

    assert "latin.sql cannot be read: it is not UTF-8 at byte 8" in refusal(
        story_folder, "--file", str(tmp_path / "latin.sql")
    )
    assert "no.sql cannot be read: No such file" in refusal(story_folder, "--file", str(tmp_path / "no.sql"))


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "markdown"])
def test_a_file_has_what_would_be_printed(story_folder: Path, tmp_path: Path, form: str) -> None:
    options = ["SELECT instance_id FROM node_compliance ORDER BY 1", "--format", form]

    printed = run(story_folder, *options)
    written = run(story_folder, *options, "--out", str(tmp_path / "answer"))

    # The runner reads each end of a line as one character.
    assert (tmp_path / "answer").read_bytes().decode().replace("\r\n", "\n") == printed.stdout
    assert written.stdout == ""


def test_parquet_is_written_to_a_file_and_refused_without_one(story_folder: Path, tmp_path: Path) -> None:
    sql = "SELECT run_id, run_at FROM runs ORDER BY 1"
    run(story_folder, sql, "-f", "parquet", "-o", str(tmp_path / "runs.parquet"))
    refused = CliRunner().invoke(app, ["--lake", str(story_folder), "-f", "parquet", sql], env=WIDE)

    ids = pq.read_table(tmp_path / "runs.parquet").column("run_id").to_pylist()
    assert R5 in ids
    assert refused.exit_code == ExitCode.USAGE
    assert "--format is 'parquet', which is no text: name its file with --out" in refused.stderr


@pytest.mark.parametrize(("form", "stream"), [("table", "stdout"), ("csv", "stderr"), ("jsonl", "stderr")])
def test_an_answer_that_is_cut_says_so(story_folder: Path, form: str, stream: str) -> None:
    sql = "SELECT instance_id FROM node_compliance ORDER BY 1"
    whole = json.loads(run(story_folder, sql, "--format", "json").stdout)

    cut = run(story_folder, sql, "--format", form, "--limit", "2")
    enough = run(story_folder, sql, "--format", form, "--limit", str(len(whole)))

    assert f"first 2 of {len(whole)} rows" in getattr(cut, stream)
    assert "first" not in enough.output


def test_names_of_queries_are_completed() -> None:
    assert completed_names("not_s") == ["not_scanned"]
    assert set(completed_names("")) == {each.name for each in queries()}


def test_the_lake_may_come_from_a_variable(story_folder: Path) -> None:
    result = CliRunner().invoke(app, [ONE, "--format", "csv"], env={"PATCHLAKE_LAKE": str(story_folder)})
    wrong = CliRunner().invoke(app, [ONE], env=WIDE | {"PATCHLAKE_LAKE": "ftp://x"})

    assert result.stdout == '"one"\n1\n'
    assert wrong.exit_code == ExitCode.USAGE
