"""The clocks of the views, row by row, where one rule of the design decides each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from patchlake.core.run import milliseconds, run_at
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import Settings
from tests.analytics.patch_story import covered
from tests.analytics.rows import view
from tests.analytics.story import NOW
from tests.analytics.synthetic import collected, listed, no_patch, patch, unread, write_run

RUNS = ("20261101T060000Z", "20261102T060000Z", "20261103T060000Z", "20261104T060000Z", "20261105T060000Z")
SEPTEMBER = ("KB5001111", "2026-09 Cumulative Update for Windows Server 2022 for x64-based Systems (KB5001111)")
OCTOBER = ("KB5002222", "2026-10 Cumulative Update for Windows Server 2022 for x64-based Systems (KB5002222)")
LINE = "Cumulative Update for Windows Server 2022 for x64-based Systems"

type Row = dict[str, Any]
type Seen = dict[tuple[str, str], str]


def scan(number: int) -> datetime:
    """Return the end of the scan that the run of this number saw."""
    return (run_at(RUNS[number]) - timedelta(hours=1)).replace(tzinfo=None)


def seen(folder: Path, number: int, patches: Seen, **columns: Any) -> None:  # noqa: ANN401
    """Write a run that saw these patches on the node, by their states."""
    run_id = RUNS[number]
    counted = {
        "Missing": "missing_count",
        "Failed": "failed_count",
        "InstalledPendingReboot": "installed_pending_reboot_count",
        "InstalledRejected": "installed_rejected_count",
    }
    counts = {column: sum(state == name for state in patches.values()) for name, column in counted.items()}
    rows = [patch(run_id, 1, kb_id, state, title=title) for (kb_id, title), state in patches.items()]
    node = {**collected(run_id, 1, baseline_id="pb-1", **counts), **columns}
    write_run(folder, run_id, [covered(1, "COMPLETE", len(rows))], [node], rows)


def left(folder: Path, number: int, target: Row, *, nodes: Sequence[Row] = ()) -> None:
    """Write a run that has this coverage of the target."""
    write_run(folder, RUNS[number], [target], list(nodes), [])


def opened(folder: Path, **days: int) -> Lake:
    return open_lake(LakeLocation(str(folder)), now=run_at(RUNS[-1]) + timedelta(hours=6), settings=Settings(**days))


def outcomes(folder: Path) -> list[tuple[Any, ...]]:
    return view(opened(folder), "line_age", "opened_at", "outcome", "last_open_at", "ended_at", "days_open")


def test_the_three_open_states_are_one_streak(tmp_path: Path) -> None:
    for number, state in enumerate(("Missing", "Failed", "InstalledPendingReboot", "Missing", "Failed")):
        seen(tmp_path, number, {SEPTEMBER: state})

    assert outcomes(tmp_path) == [(scan(0), "OPEN", scan(4), None, 4)]


def test_a_patch_that_is_gone_at_a_later_scan_is_remediated(tmp_path: Path) -> None:
    seen(tmp_path, 0, {})
    seen(tmp_path, 1, {SEPTEMBER: "Missing"})
    seen(tmp_path, 2, {})

    lake = opened(tmp_path)

    assert outcomes(tmp_path) == [(scan(1), "REMEDIATED", scan(1), scan(2), 1)]
    assert view(lake, "patch_age", "kb_id", "outcome", "is_lower_bound", "most_days_open") == [
        (SEPTEMBER[0], "REMEDIATED", False, 1)
    ]
    assert view(lake, "node_age", "instance_id") == []
    assert view(lake, "remediation", "scope", "month", "severity", "lines", "lines_remediated", "median_days") == [
        (scope, month, severity, 1, 1, 1)
        for scope in ("ACCOUNT", "FLEET", "PATCH_GROUP")
        for month, severity in (("2026-11", "Critical"), (None, None))
    ]


def test_the_clock_of_the_line_goes_on_when_the_next_update_replaces_a_patch(tmp_path: Path) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    seen(tmp_path, 1, {OCTOBER: "AvailableSecurityUpdate"})
    seen(tmp_path, 2, {OCTOBER: "Missing"})

    lake = opened(tmp_path)

    assert view(lake, "patch_age", "kb_id", "outcome", "opened_at", "ended_at") == [
        (SEPTEMBER[0], "REPLACED", scan(0), scan(1)),
        (OCTOBER[0], "OPEN", scan(2), None),
    ]
    assert view(lake, "line_age", "line", "outcome", "opened_at") == [(LINE, "OPEN", scan(0))]
    assert view(lake, "node_age", "lines_open", "lines_open_lower_bound", "opened_at", "days_open") == [
        (1, 1, scan(0), 2)
    ]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({}, "REMEDIATED"),
        ({"operation_end_time": milliseconds(run_at(RUNS[0]) - timedelta(hours=1))}, "OPEN"),
        ({"operation_end_time": None}, "OPEN"),
        ({"missing_count": 1}, "OPEN"),
        ({"failed_count": None}, "OPEN"),
        ({"baseline_id": "pb-2"}, "RESCOPED"),
        ({"baseline_id": None}, "RESCOPED"),
        ({"install_override_list": "s3://lists/now.yaml"}, "RESCOPED"),
    ],
)
def test_a_patch_is_gone_only_at_a_later_scan_of_the_same_scope_that_has_as_many_rows_as_it_counts(
    tmp_path: Path, later: Row, expected: str
) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    seen(tmp_path, 1, {}, **later)

    assert [outcome for _, outcome, *_ in outcomes(tmp_path)] == [expected]


def test_counts_of_zero_say_that_a_patch_is_gone_also_where_the_run_did_not_read_patches(tmp_path: Path) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    write_run(tmp_path, RUNS[1], [listed(1)], [collected(RUNS[1], 1, baseline_id="pb-1")])

    assert [outcome for _, outcome, *_ in outcomes(tmp_path)] == ["REMEDIATED"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, "RESCOPED"),
        (no_patch(RUNS[1], 1, "NOT_COLLECTED", "TimeoutError"), "RESCOPED"),
        (
            patch(RUNS[1], 1, SEPTEMBER[0], None, title=SEPTEMBER[1], collection_detail="State: expected a text"),
            "RESCOPED",
        ),
        (no_patch(RUNS[1], 1, "NO_PATCHES"), "REMEDIATED"),
        (patch(RUNS[1], 1, SEPTEMBER[0], "AvailableSecurityUpdate", title=SEPTEMBER[1]), "RESCOPED"),
    ],
)
def test_counts_of_zero_do_not_say_that_a_patch_is_gone_if_it_may_be_an_available_update(
    tmp_path: Path, answer: Row | None, expected: str
) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    node = collected(RUNS[1], 1, baseline_id="pb-1", available_security_update_count=1)
    if answer is None:
        write_run(tmp_path, RUNS[1], [listed(1)], [node])
    else:
        write_run(tmp_path, RUNS[1], [covered(1, "COMPLETE", 1)], [node], [answer])

    assert [outcome for _, outcome, *_ in outcomes(tmp_path)] == [expected]


def test_a_patch_without_a_name_may_be_any_patch(tmp_path: Path) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    row = patch(RUNS[1], 1, None, "Missing", title=None, collection_detail="Title: expected a text")
    node = collected(RUNS[1], 1, baseline_id="pb-1", missing_count=1)
    write_run(tmp_path, RUNS[1], [covered(1, "COMPLETE", 1)], [node], [row])

    assert [outcome for _, outcome, *_ in outcomes(tmp_path)] == ["OPEN"]


@pytest.mark.parametrize("between", [{"baseline_id": "pb-2"}, {"install_override_list": "s3://lists/now.yaml"}])
def test_another_scope_for_a_day_does_not_reset_the_clock(tmp_path: Path, between: Row) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    seen(tmp_path, 1, {}, **between)
    seen(tmp_path, 2, {SEPTEMBER: "Missing"})

    assert outcomes(tmp_path) == [(scan(0), "OPEN", scan(2), None, 2)]


def test_what_the_baseline_no_longer_approves_is_rescoped(tmp_path: Path) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    seen(tmp_path, 1, {SEPTEMBER: "AvailableSecurityUpdate"})

    assert outcomes(tmp_path) == [(scan(0), "RESCOPED", scan(0), None, 0)]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (covered(0, "COMPLETE", 0), "NODE_GONE"),
        (covered(0, "COMPLETE", 0, rows_without_id=1), "OPEN"),
        (unread(patches_status="PARTIAL"), "OPEN"),
        (covered(0, "COMPLETE", 0, region="us-east-1"), "OPEN"),
    ],
)
def test_a_node_is_gone_only_while_a_target_that_was_read_does_not_list_it(
    tmp_path: Path, target: Row, expected: str
) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    left(tmp_path, 1, target)

    assert [outcome for _, outcome, *_ in outcomes(tmp_path)] == [expected]

    seen(tmp_path, 2, {SEPTEMBER: "Missing"})

    assert outcomes(tmp_path) == [(scan(0), "OPEN", scan(2), None, 2)]


def test_patches_of_a_line_that_end_in_the_same_run_end_one_streak_of_it(tmp_path: Path) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    seen(tmp_path, 1, {SEPTEMBER: "Missing", OCTOBER: "Missing"})
    seen(tmp_path, 2, {})
    seen(tmp_path, 3, {OCTOBER: "Missing"})

    assert outcomes(tmp_path) == [
        (scan(0), "REMEDIATED", scan(1), scan(2), 2),
        (scan(3), "OPEN", scan(3), None, 0),
    ]
    assert view(opened(tmp_path), "patch_age", "kb_id", "outcome", "opened_at") == [
        (SEPTEMBER[0], "REMEDIATED", scan(0)),
        (OCTOBER[0], "OPEN", scan(3)),
        (OCTOBER[0], "REMEDIATED", scan(1)),
    ]


def test_a_run_that_did_not_read_the_patches_does_not_part_a_streak(tmp_path: Path) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing", OCTOBER: "AvailableSecurityUpdate"})
    left(tmp_path, 1, unread(patches_status="PARTIAL"))
    seen(tmp_path, 2, {OCTOBER: "Missing"}, missing_count=2)
    left(tmp_path, 3, unread(patches_status="PARTIAL"))

    answered = run_at(RUNS[2]).replace(tzinfo=None)
    assert outcomes(tmp_path) == [(scan(0), "OPEN", answered, None, 3)]


def test_a_patch_that_comes_back_starts_a_new_streak(tmp_path: Path) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    seen(tmp_path, 1, {})
    seen(tmp_path, 2, {SEPTEMBER: "Missing"})

    assert outcomes(tmp_path) == [
        (scan(0), "REMEDIATED", scan(0), scan(1), 1),
        (scan(2), "OPEN", scan(2), None, 0),
    ]


def test_an_age_is_a_lower_bound_unless_a_scan_of_the_day_before_did_not_have_it(tmp_path: Path) -> None:
    seen(tmp_path, 0, {})
    seen(tmp_path, 1, {SEPTEMBER: "Missing"})
    left(tmp_path, 2, unread(patches_status="PARTIAL"))
    kernel = ("kernel.x86_64", "kernel.x86_64:0:6.1-5.amzn2023")
    seen(tmp_path, 3, {SEPTEMBER: "Missing", kernel: "Missing"})

    assert view(opened(tmp_path), "line_age", "line", "is_lower_bound", "days_open", "most_days_open") == [
        (LINE, False, 2, 2),
        (kernel[0], True, 0, 1),
    ]


def test_the_clocks_look_back_as_far_as_the_history(tmp_path: Path) -> None:
    for number in range(5):
        seen(tmp_path, number, {SEPTEMBER: "Missing"})

    columns = ("opened_at", "days_open", "is_lower_bound")
    assert view(opened(tmp_path, window_days=1), "line_age", *columns) == [(scan(0), 4, True)]
    assert view(opened(tmp_path, window_days=2, history_days=2), "line_age", *columns) == [(scan(2), 2, True)]


@pytest.mark.parametrize("name", ["line_age", "patch_cves", "sla_breaches"])
def test_the_history_has_the_newest_run_of_the_window(patch_folder: Path, name: str) -> None:
    location, now = LakeLocation(str(patch_folder)), NOW + timedelta(days=30)
    as_long, shorter = (
        open_lake(location, now=now, settings=Settings(window_days=40, history_days=days))
        .query(f"SELECT * FROM {name}")  # noqa: S608
        .rows
        for days in (40, 10)
    )

    assert sorted(map(str, shorter)) == sorted(map(str, as_long)) != []


def test_the_words_of_vendors_have_ranks(tmp_path: Path) -> None:
    seen(tmp_path, 0, {})

    assert view(opened(tmp_path), "severity_ranks", "severity_rank", "severity") == [
        (1, "Low"),
        (2, "Medium"),
        (2, "Moderate"),
        (3, "Important"),
        (4, "Critical"),
    ]


def test_the_reading_that_knows_the_name_of_the_platform_decides_about_severities(tmp_path: Path) -> None:
    for number, known in enumerate(({"platform_name": "Amazon Linux"}, {"platform_version": "2023"})):
        unknown = {"platform_type": "Linux", "platform_name": None, "platform_version": None}
        seen(tmp_path, number, {SEPTEMBER: "Missing"}, **unknown | known)

    assert view(opened(tmp_path), "patch_age", "severity") == [("Critical",)]


def test_the_patches_of_a_node_are_counted_with_its_own_counts(tmp_path: Path) -> None:
    seen(tmp_path, 0, {SEPTEMBER: "Missing", OCTOBER: "AvailableSecurityUpdate"}, failed_count=1)

    assert view(opened(tmp_path), "node_patch_counts", "missing_rows", "rows_with_name", "are_equal", "are_zero") == [
        (1, 2, False, False)
    ]
    assert view(opened(tmp_path), "patch_clocks", "clock", "kb_id") == [("LINE", None), ("PATCH", SEPTEMBER[0])]


@pytest.mark.parametrize(
    ("kb_id", "title", "line"),
    [
        (*SEPTEMBER, LINE),
        (
            "kb5001111",
            "2026-09 Cumulative Update for Windows Server 2022 (kb5001111)",
            "Cumulative Update for Windows Server 2022",
        ),
        (
            "KB890830",
            "Windows Malicious Software Removal Tool x64 - v5.129 (KB890830)",
            "Windows Malicious Software Removal Tool x64",
        ),
        (
            "KB5046859",
            "Security Update for SQL Server 2019 RTM CU28 (KB5046859)",
            "Security Update for SQL Server 2019 RTM",
        ),
        ("KB4015550", "April, 2017 Security Monthly Quality Rollup (KB4015550)", "Security Monthly Quality Rollup"),
        ("KB1", "Update 2026-09-12 of (a (b) c) 10.0.17763", "Update of"),
        ("KB1", "KB1 (KB1)", "KB1"),
        ("KB1", "2026-09 - (KB1)", "KB1"),
        ("KB1", "", "KB1"),
        ("openssl.x86_64", "openssl.x86_64:1:3.2.2-5.amzn2023", "openssl.x86_64"),
        ("KB", "2026-09 Update", "KB"),
    ],
)
def test_a_line_is_the_title_without_what_changes_from_month_to_month(
    tmp_path: Path, kb_id: str, title: str, line: str
) -> None:
    seen(tmp_path, 0, {(kb_id, title): "Missing"})

    assert view(opened(tmp_path), "patch_lines", "kb_id", "title", "line") == [(kb_id, title, line)]


def test_a_run_that_read_no_patches_of_a_stale_node_does_not_make_its_sight_newer(tmp_path: Path) -> None:
    stale = {"operation_end_time": milliseconds(run_at(RUNS[0]) - timedelta(hours=1))}
    seen(tmp_path, 0, {SEPTEMBER: "Missing"})
    write_run(
        tmp_path,
        RUNS[1],
        [covered(1, "PARTIAL", 0)],
        [collected(RUNS[1], 1, missing_count=1, baseline_id="pb-1", **stale)],
        [],
    )
    seen(tmp_path, 2, {SEPTEMBER: "Missing"}, **stale)

    assert outcomes(tmp_path) == [(scan(0), "OPEN", scan(0), None, 2)]


@pytest.mark.parametrize("first", ["in full", "in part", "not at all"])
def test_an_age_is_that_of_the_scan_also_if_an_earlier_run_read_only_a_part_of_its_patches(
    tmp_path: Path, first: str
) -> None:
    scanned = run_at(RUNS[0]) - timedelta(days=5)
    patches = {SEPTEMBER: "Missing", ("openssl.x86_64", "openssl"): "Missing"}
    read = patches if first == "in full" else {SEPTEMBER: "Missing"}
    counted = {"operation_end_time": milliseconds(scanned), "missing_count": 2}
    if first == "not at all":
        left(tmp_path, 0, unread())
    else:
        seen(tmp_path, 0, read, **counted)
    seen(tmp_path, 4, patches, **counted)

    assert view(opened(tmp_path), "patch_age", "opened_at", "days_open") == [(scanned.replace(tzinfo=None), 9)] * 2


def test_an_answer_that_came_after_the_next_run_began_may_come_from_a_later_scan(
    tmp_path: Path,
) -> None:
    answered = run_at(RUNS[1]) + timedelta(minutes=5)
    stale = {"operation_end_time": milliseconds(run_at(RUNS[0]) - timedelta(days=5))}
    kb_id, title = SEPTEMBER
    write_run(
        tmp_path,
        RUNS[0],
        [covered(1, "COMPLETE", 1)],
        [collected(RUNS[0], 1, missing_count=2, baseline_id="pb-1", **stale)],
        [patch(RUNS[0], 1, kb_id, "Missing", title=title, collected_at=milliseconds(answered))],
    )
    seen(tmp_path, 1, {SEPTEMBER: "Missing"}, **stale)

    assert view(opened(tmp_path), "patch_age", "opened_at") == [(answered.replace(tzinfo=None),)]
