"""The deadlines in the report: one sentence about what is overdue, whose it is, and what a policy changes."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from patchlake.core.run import milliseconds, run_at
from patchlake_cli.commands.report import report
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.report.deadline_figures import OverdueDay, Scorecard
from patchlake_cli.report.headline import Percent, goal_in_words, overdue_in_words
from tests.analytics.patch_story import covered
from tests.analytics.policy_files import write_policy
from tests.analytics.synthetic import collected, patch, unread, write_run
from tests.world import HOME

DAYS = [f"202611{day:02d}T060000Z" for day in range(1, 23)]

app = typer.Typer()
app.command()(report)


def run(folder: Path, *arguments: str | Path) -> Result:
    """Call the command as of the last day; the result's value is what it returned."""
    options = ["--lake", str(folder / "lake"), "--as-of", "2026-11-22", "--out", "-", *map(str, arguments)]
    return CliRunner().invoke(app, options, standalone_mode=False, env={"COLUMNS": "400"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a lake of 22 days: from the second on, one node of two lacks a critical patch."""
    for number, run_id in enumerate(DAYS):
        lacks = 1 if number else 0
        scanned = milliseconds(run_at(run_id) - timedelta(hours=1))
        nodes = [
            collected(run_id, 1, baseline_id="pb", operation_end_time=scanned, missing_count=lacks, patch_group="web"),
            collected(run_id, 2, baseline_id="pb", operation_end_time=scanned),
        ]
        rows = [patch(run_id, 1, "KB5001111", "Missing", title="An update", severity="Critical")] if lacks else []
        write_run(tmp_path / "lake", run_id, [covered(2, "COMPLETE", len(rows))], nodes, rows)
    return tmp_path


def test_the_report_says_what_is_overdue_and_by_how_much(folder: Path) -> None:
    result = run(folder, "--format", "markdown", "--goal", "95")

    assert result.return_value is ExitCode.COMPLETE
    assert "At least 1 line of patches is overdue, on 1 node. On 2026-11-15, a week earlier, it was at least 0." in (
        result.stdout
    )
    assert "The goal of 95 % is missed." in result.stdout
    assert "| Critical | 20 | 15 | `An update` |" in result.stdout
    document = json.loads(run(folder, "--format", "json").stdout)
    assert document["deadlines"]["accounts"]["rows"][0] == {
        "account_id": HOME,
        "account_name": "platform",
        "lines_critical": 1,
        "lines_important": 0,
        "lines_medium": 0,
        "lines_low": 0,
        "lines_unranked": 0,
    }
    assert [(day["run_date"], day["lines_overdue"]) for day in document["deadlines"]["trend"][-6:]] == [
        ("2026-11-17", 0),
        *((f"2026-11-{day}", 1) for day in range(18, 23)),
    ]
    cards = document["deadlines"]["scorecards"]["rows"]
    assert {card["patch_group"]: card["lines_overdue"] for card in cards if card["scope"] == "PATCH_GROUP"} == {
        "web": 1,
        None: 0,
    }


def test_the_page_leads_from_the_account_to_the_node_and_its_patches(folder: Path) -> None:
    page = run(folder, "--format", "html").stdout

    drill_down = page[page.index("its nodes and their overdue patches") :]
    assert drill_down.index("</code>: 1 line") < drill_down.index("Critical: <bdi>An update</bdi>, 20 days open")


def test_the_node_with_the_worst_line_comes_first(tmp_path: Path) -> None:
    severities = {1: "Low", 2: "Important", 3: "Critical"}
    for number, run_id in enumerate(DAYS):
        scanned = milliseconds(run_at(run_id) - timedelta(hours=1))
        lacks = 1 if number else 0
        nodes = [
            collected(run_id, node, baseline_id="pb", operation_end_time=scanned, missing_count=lacks)
            for node in severities
        ]
        rows = [
            patch(run_id, node, f"KB500{node}", "Missing", title=f"update {node}", severity=severity)
            for node, severity in severities.items()
            if lacks
        ]
        write_run(tmp_path / "lake", run_id, [covered(3, "COMPLETE", len(rows))], nodes, rows)
    policy = write_policy(tmp_path / "policy", sla=(",,,5",))

    page = run(tmp_path, "--format", "html", "--policy", policy).stdout

    drill_down = page[page.index("its nodes and their overdue patches") :]
    places = [drill_down.index(f"{severity}: <bdi>") for severity in ("Critical", "Important", "Low")]
    assert places == sorted(places)


def test_an_exception_takes_a_line_out_and_leaves_compliance_alone(folder: Path) -> None:
    policy = write_policy(folder / "policy", exceptions=(f"{HOME},,,,,,why,me,2026-11-01,2026-12-31",))

    result = run(folder, "--format", "json", "--policy", policy)

    document = json.loads(result.stdout)
    assert result.return_value is ExitCode.COMPLETE
    fleet = document["deadlines"]["fleet"]
    assert (fleet["lines_overdue"], fleet["lines_excepted"], fleet["nodes_overdue"]) == (0, 1, 0)
    assert document["fleet"]["nodes_non_compliant"] == 1
    assert document["deadlines"]["worst"] == {"rows": [], "total": 0}


def test_a_bad_row_of_the_policy_is_in_the_report_and_in_the_exit_code(folder: Path) -> None:
    policy = write_policy(folder / "policy", sla=("High,,,7",))

    result = run(folder, "--format", "html", "--policy", policy)

    assert result.return_value is ExitCode.PARTIAL
    assert "1 row of the policy is bad" in result.stderr
    assert "1 row of the policy is bad. A bad exception has no effect" in result.stdout
    assert "severity is High: expected Critical, Important, Medium, Moderate or Low, or nothing" in result.stdout


def card(overdue: int | None, nodes: int | None, *, possibly: int | None = 0, excepted: int | None = 0) -> Scorecard:
    names = (None,) * 8
    return Scorecard("FLEET", *names, overdue, possibly, excepted, 0, nodes, 9, 4, 12)


def test_overdue_lines_in_words() -> None:
    days = [OverdueDay("2026-11-14", 2000), OverdueDay("2026-11-20", 9), OverdueDay("2026-11-21", 1201)]

    assert overdue_in_words(card(0, 0), [OverdueDay("2026-11-21", 0)], "COMPLETE") == (
        "At least 0 lines of patches are overdue, on 0 nodes."
    )
    assert overdue_in_words(card(1200, 1, possibly=3, excepted=1), days, "PARTIAL") == (
        "At least 1,200 lines of patches are overdue, on 1 node; 3 more may be; 1 more has an exception. "
        "Including exceptions, it is at least 1,201; on 2026-11-14, a week earlier, it was at least 2,000."
    )


@pytest.mark.parametrize(
    ("patches_status", "reason"),
    [
        ("NOT_ASKED", "this run did not read patches"),
        ("UNPUBLISHED", "the table of patches does not have the rows that the run counted"),
        ("PARTIAL", "no target was read"),
    ],
)
def test_an_unknown_number_of_overdue_lines_has_the_reason_of_the_run(patches_status: str, reason: str) -> None:
    assert overdue_in_words(card(None, None), [], patches_status) == (
        f"It is not known how many patches are overdue: {reason}."
    )


def test_an_unknown_number_of_overdue_lines_of_listed_nodes_is_not_that_of_an_unread_target() -> None:
    assert overdue_in_words(replace(card(None, None), nodes_listed=3), [], "PARTIAL") == (
        "It is not known how many patches are overdue: the patches of no node are known."
    )


def test_an_account_that_was_never_read_has_no_number_of_remediated_lines(tmp_path: Path) -> None:
    refused = unread(account_id="777788889999", patches_status="PARTIAL")
    write_run(tmp_path / "lake", DAYS[-1], [covered(1, "COMPLETE", 0), refused], [collected(DAYS[-1], 1)], [])

    page = run(tmp_path, "--format", "html").stdout

    card = page[page.index("Accounts, patch groups and tag values") :]
    row = card[card.index("<code>777788889999</code>") :].partition("</tr>")[0]
    assert row.count("not known") == 6
    assert " of " not in row


def test_an_earlier_day_is_called_a_week_before_only_if_it_is_one() -> None:
    days = [OverdueDay("2026-11-01", 5), OverdueDay("2026-11-21", 4)]

    assert overdue_in_words(card(4, 2), days, "COMPLETE") == (
        "At least 4 lines of patches are overdue, on 2 nodes. On 2026-11-01, 20 days earlier, it was at least 5."
    )


@pytest.mark.parametrize(
    ("value", "is_bound", "said"),
    [
        (None, True, "It is not known whether the goal of 95.5 % is reached."),
        (95.5, False, "The goal of 95.5 % is reached."),
        (97.0, True, "The goal of 95.5 % is reached."),
        (95.4, False, "The goal of 95.5 % is missed."),
        (50.0, True, "The goal of 95.5 % may or may not be reached."),
    ],
)
def test_a_goal_in_words(value: float | None, is_bound: bool, said: str) -> None:  # noqa: FBT001  # a case of the table
    assert goal_in_words(95.5, Percent(value, is_bound=is_bound, aside="")) == said
