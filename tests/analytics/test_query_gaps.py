"""The gaps of an answer of ``patchlake query``: on standard error, and in the exit code."""

import csv
import io
import json
from pathlib import Path

import pytest

from patchlake.core.keys import coverage_key, snapshot_key
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.lake.engine import find_query
from patchlake_cli.visible_text import visible
from tests.analytics.synthetic import collected, listed, unread, write_run
from tests.query_command import run, run_as_of
from tests.world import HOME

UNREAD = (
    "patchlake: run 20261113T060000Z is UNPUBLISHED: its coverage counts 14 nodes, and its snapshot has 0. "
    "It is being published, or its files are damaged, or copied. Run 20261112T060000Z answers instead.\n"
    "patchlake: run 20261112T060000Z is PARTIAL: 3 of 4 targets read, 2 no longer planned; not read: "
    "222233334444 us-east-1 (ACCESS_DENIED), 1 node (INVALID_RESPONSE), 2 nodes (NOT_COLLECTED).\n"
    "patchlake: run 20261112T060000Z does not plan 2 targets of earlier runs: 444455556666 eu-central-1, "
    "444455556666 us-east-1 (1 node when last listed). See --named no_longer_planned.\n"
)
OLDER, NEWER = "20261111T060000Z", "20261112T060000Z"


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
        ([listed(1)], 2, "its coverage counts 1 node, and its snapshot has 2"),
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


def test_a_newest_run_whose_files_have_the_rows_of_another_run_is_a_gap(tmp_path: Path) -> None:
    for run_id in (OLDER, NEWER):
        write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    for key in (coverage_key, snapshot_key):
        (tmp_path / key(NEWER)).write_bytes((tmp_path / key(OLDER)).read_bytes())

    result = run(tmp_path, "SELECT run_id FROM latest_run")

    assert OLDER in result.stdout
    assert result.return_value == ExitCode.PARTIAL
    assert result.stderr == (
        f"patchlake: a run of 2026-11-12 is UNPUBLISHED: its file has rows of run {OLDER}. It is damaged, or copied. "
        f"Run {OLDER} answers instead.\n"
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
        f"patchlake: no rows for instance_id={visible(node)}: no published run in the window listed the node.\n"
    )
    assert (known.return_value, known.stderr) == (ExitCode.COMPLETE, "")


@pytest.mark.parametrize(("targets", "more"), [(6, "1 more target"), (7, "2 more targets")])
def test_many_unread_targets_are_counted(tmp_path: Path, targets: int, more: str) -> None:
    write_run(tmp_path, "20261112T060000Z", [unread(account_id=f"{number:012}") for number in range(targets)], [])

    result = run(tmp_path, "--named", "compliant_nodes")

    assert result.return_value == ExitCode.PARTIAL
    assert f"0 of {targets} targets read; not read: 000000000000 eu-central-1 (ACCESS_DENIED), " in result.stderr
    assert result.stderr.endswith(f"000000000004 eu-central-1 (ACCESS_DENIED), {more}.\n")


def test_a_date_without_a_run_before_or_after_it_is_said_to_be_outside_the_history(story_folder: Path) -> None:
    result = run(story_folder, "--named", "changes_since", "--param", "date=2026-10-31", "--format", "csv")
    in_history = run(story_folder, "--named", "changes_since", "--param", "date=2026-11-01", "--format", "csv")

    too_early = "patchlake: date=2026-10-31 is before the first run in the window, which is from 2026-11-01. "
    assert result.return_value == ExitCode.PARTIAL
    assert result.stderr == f"{too_early}Use --window-days 43 to look further back.\n{UNREAD}"
    assert {row["change"] for row in csv.DictReader(io.StringIO(result.stdout))} == {"NOT_COMPARED"}
    assert in_history.stderr == UNREAD
    newest = run(story_folder, "--named", "changes_since", "--param", "date=2026-11-12")
    assert newest.stderr == f"patchlake: date=2026-11-12 has no later run: the newest one is from 2026-11-12.\n{UNREAD}"
    # Nothing is older than the first run of the lake.
    beyond = run(story_folder, "--window-days", "99", "--named", "changes_since", "--param", "date=2026-09-30")
    assert beyond.stderr.startswith("patchlake: date=2026-09-30 is before the first run in the window, which is from ")
    assert beyond.stderr.endswith(f"2026-10-01.\n{UNREAD}")


def test_an_empty_window_is_said_to_be_empty(story_folder: Path) -> None:
    result = run_as_of("2026-11-25", story_folder, "--window-days", "7", "SELECT run_coverage FROM latest_run")

    assert result.return_value == ExitCode.PARTIAL
    assert "no snapshot since 2026-11-18" in result.stdout
    assert result.stderr == (
        "patchlake: no snapshot since 2026-11-18: the newest run is from 2026-11-13. "
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
                "patchlake: no snapshot since 2026-11-13: no run in the window is published"
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


@pytest.mark.parametrize(
    "name", ["non_compliant_of_owner", "running_not_managed", "nodes_without_instance", "node_history"]
)
def test_nothing_is_said_about_the_fleet_without_a_snapshot(story_folder: Path, name: str) -> None:
    given = [f"{each.name}={each.example}" for each in find_query(name).parameters]
    values = [word for value in given for word in ("--param", value)]

    result = run_as_of("2026-10-20", story_folder, "--window-days", "1", "--named", name, *values)

    assert result.stderr.count("\n") == 1
    assert "no snapshot since 2026-10-19" in result.stderr
