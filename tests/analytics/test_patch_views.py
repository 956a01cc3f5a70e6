"""The views about patches, row by row: over three runs with and without patches, and over lakes that have none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import Settings
from tests.analytics.patch_story import (
    APPROVABLE,
    CUMULATIVE,
    EU,
    FIREFOX,
    KERNEL,
    OFFICE,
    OLD,
    OPENSSL,
    P1,
    P2,
    P3,
    US,
    covered,
)
from tests.analytics.rows import view
from tests.analytics.story import NOW, R1, R2, R3, R4, R5, R6, SHOP, opened
from tests.analytics.synthetic import collected, listed, no_patch, patch, write_run
from tests.world import HOME

BAD_CVES = "CVEIds: expected the ids of CVEs"


def node(number: int) -> str:
    return f"i-{number:08x}"


def at(run_id: str) -> datetime:
    return datetime.strptime(run_id, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).replace(tzinfo=None)


def test_a_run_has_the_status_of_each_secondary_source(patch_lake: Lake) -> None:
    assert {f"{source.name}_status" for source in SOURCES.secondary} <= patch_lake.describe("runs").keys()


def test_each_run_has_the_status_of_its_patches(patch_lake: Lake) -> None:
    # B's time-out makes only the patches of the second run PARTIAL.
    assert view(patch_lake, "runs", "run_id", "run_status", "patches_status") == [
        (P1, "COMPLETE", "NOT_ASKED"),
        (P2, "COMPLETE", "PARTIAL"),
        (P3, "PARTIAL", "PARTIAL"),
    ]
    assert view(patch_lake, "latest_run", "run_id", "patches_status") == [(P3, "PARTIAL")]
    assert view(patch_lake, "patch_runs", "run_id", "run_status", "is_latest", "patches_status") == [
        (P2, "COMPLETE", False, "PARTIAL"),
        (P3, "PARTIAL", True, "PARTIAL"),
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (1, "COMPLETE"),
        (2, "UNPUBLISHED"),
        (0, "UNPUBLISHED"),
        (None, "UNPUBLISHED"),
    ],
)
def test_patches_are_published_if_the_table_has_the_rows_that_the_coverage_counts(
    tmp_path: Path, rows: int | None, expected: str
) -> None:
    found = None if rows is None else [patch(P3, 1, f"KB{number}", "Missing") for number in range(rows)]
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 1)], [collected(P3, 1, missing_count=1)], found)

    lake = opened(tmp_path)

    assert view(lake, "runs", "run_status", "patches_status") == [("COMPLETE", expected)]
    assert view(lake, "latest_coverage", "patches_status") == [(expected,)]
    assert lake.query("SELECT count(*) FROM open_patches").rows == [(int(expected == "COMPLETE"),)]
    gaps = [] if expected == "COMPLETE" else [("UNPUBLISHED", 1)]
    assert view(lake, "patches_not_known", "reason", "nodes") == gaps


def test_no_patch_of_any_node_is_a_complete_answer(tmp_path: Path) -> None:
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 0)], [collected(P3, 1)])

    assert view(opened(tmp_path), "runs", "patches_status") == [("COMPLETE",)]
    assert view(opened(tmp_path), "patches_not_known", "reason") == []


def test_targets_of_accounts_that_are_not_active_do_not_make_patches_partial(tmp_path: Path) -> None:
    closed = listed(None, listing_status="ACCOUNT_NOT_ACTIVE", account_id=SHOP)
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 0), closed], [collected(P3, 1)])

    assert view(opened(tmp_path), "runs", "patches_status") == [("COMPLETE",)]
    assert view(opened(tmp_path), "latest_coverage", "account_id", "patches_status") == [
        (HOME, "COMPLETE"),
        (SHOP, None),
    ]


def test_a_target_says_why_its_patches_are_not_complete(patch_lake: Lake) -> None:
    assert view(patch_lake, "target_runs", "run_id", "account_id", "region", "patches_status", "patches_detail") == [
        (P1, HOME, EU, "NOT_ASKED", None),
        (P1, HOME, US, "NOT_ASKED", None),
        (P1, SHOP, EU, "NOT_ASKED", None),
        (P1, SHOP, US, "NOT_ASKED", None),
        (P2, HOME, EU, "COMPLETE", None),
        (P2, HOME, US, "COMPLETE", None),
        (P2, SHOP, EU, "PARTIAL", "TimeoutError"),
        (P2, SHOP, US, "COMPLETE", None),
        (P3, HOME, EU, "COMPLETE", None),
        (P3, HOME, US, "PARTIAL", "AccessDeniedException"),
        (P3, SHOP, EU, "COMPLETE", None),
        (P3, SHOP, US, "PARTIAL", "nodes: ACCESS_DENIED"),
    ]


def test_every_row_that_was_read_is_open_or_not_or_not_known(patch_lake: Lake) -> None:
    answer = patch_lake.query(
        "SELECT instance_id, kb_id, collection_status, is_open, is_known FROM node_patches WHERE run_id = ? "
        "ORDER BY instance_id, kb_id",
        [P3],
    )

    assert answer.rows == [
        (node(1), CUMULATIVE, "COLLECTED", True, True),
        (node(1), OFFICE, "COLLECTED", True, True),
        (node(1), APPROVABLE, "COLLECTED", False, True),
        (node(2), CUMULATIVE, "COLLECTED", True, True),
        (node(3), OPENSSL, "COLLECTED", True, True),
        (node(6), None, "NO_PATCHES", False, True),
        (node(7), OPENSSL, "COLLECTED", None, False),
        (node(8), KERNEL, "COLLECTED", True, True),
        (node(21), None, "NOT_COLLECTED", None, False),
        (node(31), CUMULATIVE, "COLLECTED", True, True),
        (node(31), FIREFOX, "COLLECTED", True, True),
        (node(31), OLD, "COLLECTED", True, True),
    ]


@pytest.mark.parametrize(
    ("broken", "is_known"),
    [
        ({"state": "MISSING"}, False),
        ({"state": "NotApplicable"}, False),
        ({"state": None, "collection_detail": "State: expected a text"}, False),
        ({"title": None, "collection_detail": "Title: expected a text"}, False),
        ({"kb_id": None, "collection_detail": "KBId: expected a text"}, False),
        ({"cve_ids": None, "collection_detail": "CVEIds: expected a text"}, False),
        ({"installed_time": None, "collection_detail": "InstalledTime: expected a number"}, True),
        ({"title": "", "severity": ""}, True),
    ],
)
def test_a_patch_of_which_a_value_broke_a_rule_leaves_its_node_not_known(
    tmp_path: Path, broken: dict[str, str | None], *, is_known: bool
) -> None:
    row = patch(P3, 1, CUMULATIVE, "Missing") | broken
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 1)], [collected(P3, 1, missing_count=1)], [row])

    lake = opened(tmp_path)

    assert view(lake, "node_patches", "is_known") == [(is_known,)]
    reason = broken.get("collection_detail") or f"State: {broken.get('state')}"
    gaps = [] if is_known else [(node(1), reason, 1)]
    assert view(lake, "patches_not_known", "instance_id", "reason", "nodes") == gaps


@pytest.mark.parametrize(
    ("platform", "has_severities", "rank"),
    [
        ({"platform_type": "Windows"}, True, 3),
        ({"platform_type": "MacOS"}, True, 3),
        ({"platform_type": "Linux", "platform_name": "Amazon Linux"}, True, 3),
        ({"platform_type": None, "platform_name": "Amazon Linux"}, True, 3),
        ({"platform_type": "Linux", "platform_name": "Ubuntu"}, False, 0),
        ({"platform_type": None, "platform_name": "Debian GNU/Linux"}, False, 0),
        ({"platform_type": "Linux", "platform_name": None}, None, 0),
        ({"platform_type": "Linux", "platform_name": " "}, None, 0),
        ({"platform_type": None, "platform_name": None}, None, 0),
        ({"platform_type": " ", "platform_name": ""}, None, 0),
    ],
)
def test_a_word_is_a_severity_only_on_a_platform_that_is_known_to_have_them(
    tmp_path: Path, platform: dict[str, str | None], *, has_severities: bool | None, rank: int
) -> None:
    row = patch(P3, 1, CUMULATIVE, "Missing", severity="Important")
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 1)], [collected(P3, 1, missing_count=1, **platform)], [row])

    lake = opened(tmp_path)

    assert view(lake, "node_states", "has_severities") == [(has_severities,)]
    assert view(lake, "latest_patches", "severity", "severity_rank") == [("Important", rank)]
    assert view(lake, "line_age", "severity_rank") == [(rank,)]


def test_the_latest_patches_have_the_attributes_of_their_node_and_a_rank_by_severity(patch_lake: Lake) -> None:
    # An Ubuntu package's priority Important is no severity.
    assert view(
        patch_lake,
        "latest_patches",
        "account_name",
        "region",
        "computer_name",
        "platform_name",
        "patch_group",
        "kb_id",
        "state",
        "severity",
        "severity_rank",
    ) == [
        ("platform", EU, "host-1", "Windows Server", "win", CUMULATIVE, "Missing", "Critical", 4),
        ("platform", EU, "host-1", "Windows Server", "win", OFFICE, "Failed", "Important", 3),
        ("platform", EU, "host-1", "Windows Server", "win", APPROVABLE, "AvailableSecurityUpdate", "Critical", 4),
        ("platform", EU, "host-2", "Windows Server", "win", CUMULATIVE, "InstalledPendingReboot", "Critical", 4),
        ("platform", EU, "host-3", "Amazon Linux", "web", OPENSSL, "Missing", "Medium", 2),
        ("platform", EU, "host-7", "Amazon Linux", "web", OPENSSL, None, "Medium", 2),
        ("platform", EU, "host-8", "Ubuntu", "db", KERNEL, "Missing", "Important", 0),
        ("shop", EU, "host-31", "Windows Server", "win", CUMULATIVE, "Missing", "Important", 3),
        ("shop", EU, "host-31", "Windows Server", "win", FIREFOX, "InstalledPendingReboot", "Critical", 4),
        ("shop", EU, "host-31", "Windows Server", "win", OLD, "InstalledPendingReboot", "Critical", 4),
    ]


def test_what_a_baseline_has_not_approved_and_what_it_rejects_is_never_open(patch_lake: Lake) -> None:
    assert view(patch_lake, "open_patches", "instance_id", "kb_id", "state") == [
        (node(1), CUMULATIVE, "Missing"),
        (node(1), OFFICE, "Failed"),
        (node(2), CUMULATIVE, "InstalledPendingReboot"),
        (node(3), OPENSSL, "Missing"),
        (node(8), KERNEL, "Missing"),
        (node(31), CUMULATIVE, "Missing"),
        (node(31), FIREFOX, "InstalledPendingReboot"),
        (node(31), OLD, "InstalledPendingReboot"),
    ]


def test_the_overview_counts_what_is_known_by_patch(patch_lake: Lake) -> None:
    # host-7 may miss openssl too. The CVEs of KB1000005 are from a run before the window, which names no age.
    assert view(
        patch_lake,
        "patches_overview",
        "kb_id",
        "severity",
        "nodes_lower_bound",
        "accounts_lower_bound",
        "nodes_missing",
        "nodes_failed",
        "nodes_awaiting_reboot",
        "nodes_rejected",
        "nodes_available",
        "cves",
        "oldest_at",
    ) == [
        (CUMULATIVE, "Critical", 3, 2, 2, 0, 1, 0, 0, 2, at(P2)),
        (OFFICE, "Important", 1, 1, 0, 1, 0, 0, 0, 1, at(P3)),
        (APPROVABLE, "Critical", 0, 0, 0, 0, 0, 0, 1, None, None),
        (FIREFOX, "Critical", 1, 1, 0, 0, 1, 0, 0, None, at(P3)),
        (OLD, "Critical", 1, 1, 0, 0, 1, 0, 0, 1, at(P3)),
        (KERNEL, "Important", 1, 1, 1, 0, 0, 0, 0, 0, at(P3)),
        (OPENSSL, "Medium", 1, 1, 1, 0, 0, 0, 0, 0, at(P3)),
    ]


def test_a_rejected_patch_is_shown_and_needs_nothing(tmp_path: Path) -> None:
    rejected = patch(P3, 1, CUMULATIVE, "InstalledRejected")
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 1)], [collected(P3, 1, installed_rejected_count=1)], [rejected])

    assert view(opened(tmp_path), "patches_overview", "kb_id", "nodes_lower_bound", "nodes_rejected") == [
        (CUMULATIVE, 0, 1)
    ]
    assert view(opened(tmp_path), "patch_count_checks", "check_status", "installed_rejected_rows") == [("EQUAL", 1)]


def test_the_cves_of_patches_are_in_capital_letters_and_each_is_there_once(patch_lake: Lake) -> None:
    assert view(patch_lake, "patch_cves", "kb_id", "title", "cve") == [
        (CUMULATIVE, f"Update for {CUMULATIVE}", "CVE-2026-1001"),
        (CUMULATIVE, f"Update for {CUMULATIVE}", "CVE-2026-1002"),
        (OFFICE, f"Update for {OFFICE}", "CVE-2026-1003"),
        (OLD, f"Update for {OLD}", "CVE-2026-0900"),
    ]


def test_the_cves_of_patches_look_back_as_far_as_the_history(patch_folder: Path) -> None:
    lake = open_lake(LakeLocation(str(patch_folder)), now=NOW, settings=Settings(history_days=72))

    assert OLD not in {row[0] for row in view(lake, "patch_cves", "kb_id")}


def test_whose_patches_are_not_known_is_said_with_the_reason(patch_lake: Lake) -> None:
    assert patch_lake.query(
        "SELECT account_name, region, instance_id, reason, nodes FROM patches_not_known "
        "ORDER BY account_name, region, instance_id"
    ).rows == [
        ("platform", EU, node(4), "NO_PATCH_STATE", 1),
        ("platform", EU, node(7), "State: expected a text", 1),
        ("platform", EU, node(8), "COUNTS_DIFFER", 1),
        ("platform", US, None, "AccessDeniedException", 1),
        ("shop", US, None, "nodes: ACCESS_DENIED", None),
    ]


def test_a_node_whose_patches_differ_from_its_counts_is_not_known(patch_lake: Lake) -> None:
    differing = "SELECT instance_id FROM patch_count_checks WHERE is_latest AND check_status = 'DIFFERS'"

    assert patch_lake.query(differing).rows == [(node(8),)]
    assert patch_lake.query("SELECT instance_id FROM patches_not_known WHERE reason = 'COUNTS_DIFFER'").rows == [
        (node(8),)
    ]


@pytest.mark.parametrize(
    ("missing", "found", "expected"),
    [
        (1, ["Missing"], []),
        (0, ["AvailableSecurityUpdate"], []),
        (2, [], [(node(1), "COUNTS_DIFFER")]),
        (2, ["Missing"], [(node(1), "COUNTS_DIFFER")]),
        (0, ["InstalledRejected"], [(node(1), "COUNTS_DIFFER")]),
    ],
)
def test_fewer_or_more_patches_than_the_counts_say_are_no_answer(
    tmp_path: Path, missing: int, found: list[str], expected: list[tuple[str, str]]
) -> None:
    rows = [patch(P3, 1, f"KB{number}", state) for number, state in enumerate(found)] or [no_patch(P3, 1, "NO_PATCHES")]
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 1)], [collected(P3, 1, missing_count=missing)], rows)

    assert view(opened(tmp_path), "patches_not_known", "instance_id", "reason") == expected


def test_patches_with_a_status_of_the_future_are_not_known(tmp_path: Path) -> None:
    rows = [patch(P3, 1, "KB1", "Missing", collection_status="DELAYED")]
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 1)], [collected(P3, 1, missing_count=1)], rows)

    assert view(opened(tmp_path), "patches_not_known", "instance_id", "reason") == [(node(1), "DELAYED")]


def test_the_patches_of_a_node_with_a_status_of_the_future_are_not_known(tmp_path: Path) -> None:
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 0)], [collected(P3, 1, collection_status="DELAYED")], [])

    assert view(opened(tmp_path), "patches_not_known", "instance_id", "reason") == [(node(1), "DELAYED")]


@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize(
    ("days", "expected"), [(1, []), (100, [(node(1), "STALE_SCAN")]), (-2, [(node(1), "SCAN_TIME_INVALID")])]
)
def test_a_scan_that_cannot_know_the_patches_of_today_is_no_answer(
    tmp_path: Path, missing: int, days: int, expected: list[tuple[str, str]]
) -> None:
    state = collected(P3, 1, missing_count=missing)
    state["operation_end_time"] = state["collected_at"] - days * 86_400_000
    rows = [patch(P3, 1, "KB1", "Missing")] * missing
    write_run(tmp_path, P3, [covered(1, "COMPLETE", missing)], [state], rows)

    assert view(opened(tmp_path), "patches_not_known", "instance_id", "reason") == expected


@pytest.mark.parametrize(
    ("text", "cves", "reasons"),
    [
        ("CVE-2026-1,CVE-2026-1001", ["CVE-2026-1001"], [BAD_CVES]),
        ("CVE-2026-1001;CVE-2026-1002", ["CVE-2026-1001", "CVE-2026-1002"], []),
        ("cve-2026-1001,\n CVE-2026-10020", ["CVE-2026-1001", "CVE-2026-10020"], []),
        ("ALAS-2026-1001 CVE-2026-1001", ["CVE-2026-1001"], []),
        ("CVE 2026 1001", [], [BAD_CVES]),
        ("", [], []),
    ],
)
def test_the_cves_of_a_patch_are_read_whatever_separates_them(
    tmp_path: Path, text: str, cves: list[str], reasons: list[str]
) -> None:
    row = patch(P3, 1, "KB1", "Missing", cve_ids=text)
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 1)], [collected(P3, 1, missing_count=1)], [row])

    lake = opened(tmp_path)

    assert view(lake, "patch_cves", "cve") == [(cve,) for cve in cves]
    assert view(lake, "node_patches", "is_known") == [(not reasons,)]
    assert view(lake, "patches_not_known", "reason") == [(reason,) for reason in reasons]


def test_each_node_is_compared_with_its_own_counts(patch_lake: Lake) -> None:
    assert view(
        patch_lake,
        "patch_count_checks",
        "run_id",
        "instance_id",
        "check_status",
        "patches_status",
        "missing_count",
        "missing_rows",
        "installed_pending_reboot_rows",
    ) == [
        (P1, node(1), "NOT_COMPARABLE", "NOT_ASKED", 1, None, None),
        (P2, node(1), "RESCANNED", "COMPLETE", 2, 1, 0),
        (P2, node(2), "EQUAL", "COMPLETE", 1, 1, 0),
        (P2, node(21), "EQUAL", "COMPLETE", 1, 1, 0),
        (P2, node(31), "NOT_COMPARABLE", "PARTIAL", 1, None, None),
        (P3, node(1), "EQUAL", "COMPLETE", 1, 1, 0),
        (P3, node(2), "EQUAL", "COMPLETE", 0, 0, 1),
        (P3, node(3), "EQUAL", "COMPLETE", 1, 1, 0),
        (P3, node(6), "EQUAL", "COMPLETE", 0, 0, 0),
        (P3, node(7), "NOT_COMPARABLE", "COMPLETE", 1, None, None),
        (P3, node(8), "DIFFERS", "COMPLETE", 2, 1, 0),
        (P3, node(21), "NOT_COMPARABLE", "PARTIAL", 1, None, None),
        (P3, node(31), "EQUAL", "COMPLETE", 1, 1, 2),
    ]


@pytest.mark.parametrize(
    ("counts", "rows", "expected"),
    [
        ({"missing_count": None}, ["Missing"], "NOT_COMPARABLE"),
        ({"failed_count": 1}, ["Missing"], "DIFFERS"),
        ({"missing_count": 1}, [], "DIFFERS"),
        ({"missing_count": 1}, ["Missing", "AvailableSecurityUpdate"], "EQUAL"),
    ],
)
def test_each_count_is_compared_with_the_rows_of_its_own_state(
    tmp_path: Path, counts: dict[str, int | None], rows: list[str], expected: str
) -> None:
    found = [patch(P3, 1, f"KB{number}", state) for number, state in enumerate(rows)]
    write_run(
        tmp_path,
        P3,
        [covered(1, "COMPLETE", max(1, len(found)))],
        [collected(P3, 1, **counts)],
        found or [no_patch(P3, 1, "NO_PATCHES")],
    )

    assert view(opened(tmp_path), "patch_count_checks", "check_status") == [(expected,)]


def test_a_lake_of_the_first_edition_says_that_no_run_asked(lake: Lake) -> None:
    assert view(lake, "runs", "run_id", "patches_status") == [
        (run_id, "NOT_ASKED") for run_id in (R1, R2, R3, R4, R5, R6)
    ]
    assert view(lake, "patches_overview", "kb_id") == []
    not_known = lake.query(
        "SELECT account_id, region, reason, count(*) FROM patches_not_known GROUP BY account_id, region, reason "
        "ORDER BY account_id, region, reason"
    ).rows
    assert (HOME, EU, "NOT_ASKED", 1) in not_known
    assert "NO_PATCH_STATE" not in {reason for _, _, reason, _ in not_known}
    assert ("444455556666", EU, "TARGET_NOT_PLANNED", 1) in not_known
    assert {status for (status,) in view(lake, "patch_count_checks", "check_status")} == {"NOT_COMPARABLE"}


def test_without_a_snapshot_the_status_of_patches_says_so(patch_folder: Path) -> None:
    lake = open_lake(LakeLocation(str(patch_folder)), now=datetime(2027, 6, 1, tzinfo=UTC))

    assert view(lake, "latest_run", "run_status", "patches_status") == [("NO_SNAPSHOT", "NO_SNAPSHOT")]
    assert view(lake, "patches_not_known", "reason") == []
