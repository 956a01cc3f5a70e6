"""The exit code of a query over patches, and the sentences about what was not read of them."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from patchlake_cli.commands.query import query
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.lake.source_gaps import sources_of
from patchlake_cli.lake.statements import queries, views
from tests.analytics.patch_story import P1, P2, P3, covered
from tests.analytics.synthetic import collected, listed, patch, unread, write_run

app = typer.Typer()
app.command()(query)

UNLISTED = f"patchlake: run {P3} is PARTIAL: 3 of 4 targets read; not read: 222233334444 us-east-1 (ACCESS_DENIED).\n"
NEWEST = (
    f"patchlake: the patches of run {P3} are PARTIAL; not read in full: 111122223333 us-east-1 "
    "(AccessDeniedException), 222233334444 us-east-1 (nodes: ACCESS_DENIED).\n"
)
EARLIER = f"patchlake: the patches of earlier runs are not COMPLETE: {P2} (PARTIAL), {P1} (NOT_ASKED).\n"


def run(lake: Path, *arguments: str) -> Result:
    """Call the command on a lake as of the day of the story."""
    options = ["--lake", str(lake), "--as-of", "2026-11-13", *arguments]
    return CliRunner().invoke(app, options, standalone_mode=False)


@pytest.mark.parametrize(
    "asked",
    [
        ("SELECT kb_id FROM open_patches",),
        ("WITH mine AS (SELECT kb_id FROM patches_overview) SELECT count(*) AS n FROM mine",),
        ("SELECT count(*) AS n FROM latest_run AS r LEFT JOIN latest_patches AS p ON p.run_id = r.run_id",),
        ("SELECT max(run_id) AS newest FROM runs WHERE EXISTS (SELECT 1 FROM patch_cves)",),
        ("--named", "failed_patches"),
        ("--named", "nodes_missing_cve", "--param", "cve=CVE-2026-1001"),
        ("--named", "new_patches"),
    ],
)
def test_a_query_over_the_newest_patches_says_what_was_not_read_of_them(
    patch_folder: Path, asked: tuple[str, ...]
) -> None:
    result, allowed = run(patch_folder, *asked), run(patch_folder, "--allow-partial", *asked)

    assert (result.return_value, result.stderr) == (ExitCode.PARTIAL, UNLISTED + NEWEST)
    assert (allowed.return_value, allowed.stderr) == (ExitCode.COMPLETE, UNLISTED + NEWEST)
    assert result.stdout == allowed.stdout != ""


@pytest.mark.parametrize("relation", ["patches", "recent_patches", "node_patches", "patch_count_checks", "PATCHES"])
def test_a_query_over_the_patches_of_several_runs_says_which_of_them_are_not_complete(
    patch_folder: Path, relation: str
) -> None:
    result = run(patch_folder, f"SELECT count(*) AS n FROM {relation}")  # noqa: S608

    assert (result.return_value, result.stderr) == (ExitCode.PARTIAL, UNLISTED + NEWEST + EARLIER)


@pytest.mark.parametrize(
    "asked",
    ["SELECT patches_status FROM latest_run", "SELECT patches_detail FROM latest_coverage", "SELECT run_id FROM runs"],
)
def test_a_query_about_the_status_of_patches_is_not_about_patches(patch_folder: Path, asked: str) -> None:
    assert run(patch_folder, asked).stderr == UNLISTED


def test_patches_that_no_run_read_are_said_to_be_not_asked(tmp_path: Path) -> None:
    write_run(tmp_path, P3, [listed(1)], [collected(P3, 1, missing_count=1)])

    result = run(tmp_path, "SELECT kb_id FROM open_patches")

    expected = f"patchlake: the patches of run {P3} are NOT_ASKED: the run did not read this table.\n"
    assert (result.return_value, result.stderr) == (ExitCode.PARTIAL, expected)
    assert run(tmp_path, "--named", "non_compliant_nodes").return_value == ExitCode.COMPLETE


def test_patches_whose_table_is_not_whole_are_said_to_be_unpublished(tmp_path: Path) -> None:
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 2)], [collected(P3, 1)], [patch(P3, 1, "KB1", "Missing")])

    result = run(tmp_path, "SELECT kb_id FROM open_patches")

    expected = "are UNPUBLISHED: the table does not have the rows that the coverage counts.\n"
    assert (result.return_value, result.stderr) == (ExitCode.PARTIAL, f"patchlake: the patches of run {P3} {expected}")


def test_patches_that_were_read_in_full_are_a_whole_answer(tmp_path: Path) -> None:
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 1)], [collected(P3, 1)], [patch(P3, 1, "KB1", "Missing")])

    for asked in (["SELECT kb_id FROM patches"], ["--named", "failed_patches"]):
        result = run(tmp_path, *asked)
        assert (result.return_value, result.stderr) == (ExitCode.COMPLETE, "")


@pytest.mark.parametrize(
    ("count", "targets", "runs"), [(6, "1 more target", "1 older run"), (7, "2 more targets", "2 older runs")]
)
def test_many_targets_and_runs_are_counted(tmp_path: Path, count: int, targets: str, runs: str) -> None:
    for day in range(8 - count, 8):
        write_run(tmp_path, f"202611{day:02}T060000Z", [listed(0)], [])
    left = [unread(account_id=f"{n:012}", patches_status="PARTIAL", patches_detail="nodes") for n in range(count)]
    write_run(tmp_path, P3, [covered(0, "COMPLETE", 0), *left], [])

    text = run(tmp_path, "SELECT kb_id FROM patches").stderr

    assert f"000000000004 eu-central-1 (nodes), {targets}.\n" in text
    assert "earlier runs are not COMPLETE: 20261107T060000Z (NOT_ASKED), " in text
    assert text.endswith(f"20261103T060000Z (NOT_ASKED), {runs}.\n")


def test_an_empty_window_is_said_once(patch_folder: Path) -> None:
    options = [
        "--lake",
        str(patch_folder),
        "--as-of",
        "2026-11-25",
        "--window-days",
        "2",
        "SELECT kb_id FROM open_patches",
    ]

    result = CliRunner().invoke(app, options, standalone_mode=False)

    assert result.return_value == ExitCode.PARTIAL
    assert result.stderr.count("patchlake: ") == 1


def about(source: str) -> set[str]:
    """Return the views and queries that read a source."""
    found = {view.name for view in views() if source in sources_of([view.name])}
    return found | {query.name for query in queries() if source in sources_of(query.relations)}


def test_only_statements_about_patches_read_patches() -> None:
    assert about("patches") == {
        "patch_runs",
        "node_patches",
        "latest_patches",
        "open_patches",
        "patch_cves",
        "patches_overview",
        "patches_not_known",
        "patch_count_checks",
        "node_patch_counts",
        "history_patch_runs",
        "history_node_patches",
        "history_node_patch_counts",
        "patch_lines",
        "patch_clocks",
        "patch_age",
        "line_age",
        "node_age",
        "remediation",
        "line_cohorts",
        "line_deadlines",
        "remediation_by_tag",
        "sla_breaches",
        "scorecards",
        "scorecard_trend",
        *(query.name for query in queries() if 17 <= (query.number or 0) <= 22),
        "oldest_open_patches",
        "patches_open_longer",
        "time_to_remediate",
        "overdue_patches",
    }


def test_only_statements_about_instances_and_tags_read_them() -> None:
    of_instances = {"known_instances", "instance_management", "unmanaged_instances", "stopped_instances"}
    of_tags = {"latest_tags", "node_tags", "compliance_by_tag", "unmanaged_instances", "scopes"}
    of_tags |= {"remediation_by_tag", "scorecards", "scorecard_trend"}

    # Figures of the whole fleet say themselves why they are not known.
    assert about("instances") == of_instances | {"running_not_managed", "stopped_for_long", "nodes_without_instance"}
    assert about("tags") == of_tags | {"running_not_managed", "tag_values", "non_compliant_of_owner"}


def test_every_query_over_a_secondary_source_has_an_answer() -> None:
    over = {query.name for query in queries() if sources_of(query.relations)}

    assert over == {query.name for query in queries() if "answer" in query.tree.named_selects}


def test_a_query_over_instances_says_that_they_were_refused(ec2_folder: Path) -> None:
    result = run(ec2_folder, "--named", "running_not_managed", "--param", "key=Owner")

    assert result.return_value == ExitCode.PARTIAL
    assert "the instances of run 20261113T060000Z are PARTIAL; not read in full: " in result.stderr
    assert "111122223333 us-east-1 (UnauthorizedOperation)" in result.stderr
    assert "the tags of run 20261113T060000Z are PARTIAL" in result.stderr
