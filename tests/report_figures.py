"""Hostile figures of a report: names that try to run as code, to reverse the text, and to be too wide."""

from dataclasses import replace
from datetime import UTC, datetime

from patchlake_cli.lake.statements import Settings
from patchlake_cli.report.deadline_figures import (
    Breach,
    Deadlines,
    OverdueAccount,
    OverdueDay,
    PolicyProblem,
    RemediatedMonth,
    Scorecard,
)
from patchlake_cli.report.figures import CoveredTarget, Details, Figures, LatestRun, Reason, Unread
from patchlake_cli.report.instance_figures import Ec2, Management, TagValue, TargetGap, UnmanagedInstance
from patchlake_cli.report.node_figures import (
    Account,
    Age,
    Change,
    Day,
    Findings,
    Fleet,
    OverdueNode,
    PatchGroup,
    Platform,
    Ungrouped,
)
from patchlake_cli.report.patch_figures import Patch, Patches, PatchGap
from patchlake_cli.report.shortlist import Shortlist

SCRIPT = "<script>document.title = 'owned'</script>"
BREAKOUT = "\"'></td></table><img src=https://example.com/x onerror=\"document.title = 'owned'\">"
FORMULA = "=cmd()|'/C calc'!A0"
TURNING = "gpj.\u202egnp.exe\u2066"
CONTROL = "bell\x07null\x00escape\x1b[31m"
LONG = "long-" * 60
ENTITY = "&amp;&lt;b&gt; {{ 7 * 7 }} ${alert(1)}"
HEBREW = "שרתים"
HOSTILE = (SCRIPT, BREAKOUT, FORMULA, TURNING, CONTROL, LONG, ENTITY, HEBREW)

RUN_AT = datetime(2026, 11, 1, 6, tzinfo=UTC).replace(tzinfo=None)
_COUNTS = (10, 6, 3, 1, 60.0, 50.0)
_PARTIAL = ("PARTIAL",) * 3
_NOTHING_READ = ("NO_SNAPSHOT",) * 3
_NOTHING = (None, None, None, None, None, 0.0)


def hostile_figures() -> Figures:
    """Return figures of a PARTIAL run in which every name is hostile."""
    coverage = "1 of 2 targets read, 1 no longer planned"
    run = LatestRun("20261101T060000Z", RUN_AT, "2026-11-01", "PARTIAL", 17, coverage, 1, 2, 0, 1, 2, *_PARTIAL)
    return Figures(
        as_of=datetime(2026, 11, 1, 23, 59, 59, tzinfo=UTC),
        settings=Settings(),
        window_start="2026-09-27",
        no_snapshot=None,
        run=run,
        unpublished=[],
        details=_details(),
    )


def empty_figures() -> Figures:
    """Return figures of a window without a snapshot."""
    none = (None, None, None, None, None)
    nothing = LatestRun(None, None, None, "NO_SNAPSHOT", None, "no snapshot since 2026-09-27", *none, *_NOTHING_READ)
    sentence = "no snapshot since 2026-09-27: the newest run is from 2026-08-01"
    return replace(hostile_figures(), run=nothing, details=None, no_snapshot=sentence)


def _details() -> Details:
    accounts = [
        Account(*_NOTHING, "222233334444", SCRIPT, 0, 1, 0, None),
        Account(*_COUNTS, "111122223333", BREAKOUT, 1, 1, 1, 2),
    ]
    return Details(
        fleet=Fleet(*_COUNTS, None, "INSTANCES_NOT_READ", None, 42.0),
        unread=Unread(targets=1, last_known_nodes=2, last_known_rows_without_id=1, never_read=0),
        not_planned=Unread(targets=1, last_known_nodes=None, last_known_rows_without_id=None, never_read=1),
        findings=Findings(1, 2, 0, 1, 0, 1),
        trend=[
            Day(10, 5, 4, 1, 50.0, 50.0, "2026-10-29", "20261029T060000Z", "COMPLETE", "2 of 2 targets read"),
            Day(*_COUNTS, "2026-11-01", "20261101T060000Z", "PARTIAL", "1 of 2 targets read"),
        ],
        accounts=Shortlist(accounts, 2),
        platforms=Shortlist([Platform(*_COUNTS, name, "1", 0) for name in HOSTILE], len(HOSTILE)),
        patch_groups=Shortlist(
            [PatchGroup(10 - n, 0, 10 - n, 0, 0.0, 0.0, name, n, 0) for n, name in enumerate(HOSTILE)], 4000
        ),
        ungrouped=Ungrouped(1, 0),
        overdue=Shortlist(
            [_overdue(number, name) for number, name in enumerate(HOSTILE)],
            len(HOSTILE),
        ),
        overdue_states=[Reason("NON_COMPLIANT", 3), Reason("STALE_SCAN", 5)],
        ages=[Age(0, is_lower_bound=False, nodes=3), Age(30, is_lower_bound=True, nodes=5)],
        compared_with=["20261029T060000Z"],
        changes_by_kind={"NEW": 1, "REMEDIATED": 7},
        changes=Shortlist([_change(number, name) for number, name in enumerate(HOSTILE)], len(HOSTILE)),
        not_compared=1,
        unknown_nodes=[Reason("NOT_COLLECTED", 1)],
        unread_targets=[Reason("ROLE_NOT_ASSUMABLE", 1)],
        patches=Patches(
            gaps=[PatchGap("nodes: ROLE_NOT_ASSUMABLE", 1, None), PatchGap(SCRIPT, 0, 1)],
            worst=Shortlist(
                [Patch(name, name, name, 4, 9 - n, 1, 1, 0, None, RUN_AT) for n, name in enumerate(HOSTILE)], 4000
            ),
            cve_ids={(name, name): [f"CVE-2026-{n:04}", name] for n, name in enumerate(HOSTILE)},
        ),
        deadlines=_deadlines(),
        ec2=Ec2(
            management=[
                Management("NOT_MANAGED", None, 3),
                Management("UNKNOWN", None, 1),
                Management("UNKNOWN", "NODES_NOT_READ", 2),
            ],
            unmanaged=Shortlist([_unmanaged(number, name) for number, name in enumerate(HOSTILE)], 4000),
            gaps=Shortlist(
                [TargetGap("222233334444", name, "eu-central-1", name, name, None) for name in HOSTILE], 4000
            ),
            tags=Shortlist(
                [
                    *(TagValue(*_COUNTS, name, "READ", name, 0) for name in HOSTILE),
                    TagValue(*_COUNTS, "Owner", "READ", "", 0),
                    TagValue(*_NOTHING, "Owner", "NOT_READ", None, 1),
                ],
                4000,
            ),
        ),
        coverage=Shortlist(
            [
                _target("222233334444", SCRIPT, "ROLE_NOT_ASSUMABLE", BREAKOUT, None),
                _target("111122223333", TURNING, "LISTED", None, 10),
            ],
            2,
        ),
        left_targets=Shortlist([_target("444455556666", BREAKOUT, "TARGET_NOT_PLANNED", None, None)], 1),
    )


def _unmanaged(number: int, name: str) -> UnmanagedInstance:
    return UnmanagedInstance(
        account_id="111122223333",
        account_name=name,
        region="eu-central-1",
        instance_id=f"i-{number:017x}",
        launch_time=RUN_AT if number else None,
        image_id=name,
        platform_details=name,
        tags=f"Owner={name}" if number else None,
    )


def _overdue(number: int, name: str) -> OverdueNode:
    return OverdueNode(
        account_id="111122223333",
        region="eu-central-1",
        instance_id=f"i-{number:017x}",
        computer_name=name,
        platform_name=name,
        patch_group=name,
        compliance_status="NON_COMPLIANT",
        unknown_reason=None,
        non_compliant_since=RUN_AT,
        days_non_compliant=30 - number,
        is_lower_bound=number == 0,
        days_unobserved=number,
    )


def _change(number: int, name: str) -> Change:
    known = ("111122223333", "eu-central-1", f"i-{number:017x}", name, name)
    return (
        Change("NEW", *known, None, "COMPLIANT")
        if number == 0
        else Change("REMEDIATED", *known, "NON_COMPLIANT", "COMPLIANT")
    )


def _target(account_id: str, name: str, status: str, detail: str | None, nodes: int | None) -> CoveredTarget:
    return CoveredTarget(
        account_id=account_id,
        account_name=name,
        region="eu-central-1",
        listing_status=status,
        listing_detail=detail,
        nodes_listed=nodes,
        nodes_no_patch_state=nodes and 0,
        nodes_not_collected=nodes and 0,
        nodes_invalid_response=nodes and 0,
        rows_without_id=nodes and 2,
        last_known_nodes=nodes or 2,
        last_known_rows_without_id=2 if nodes else 1,
        last_read_at=RUN_AT,
    )


def _deadlines() -> Deadlines:
    owed = (3, 2, 1, 1, 2, 9, 4, 12)
    breaches = [_breach(number, name) for number, name in enumerate(HOSTILE)]
    return Deadlines(
        fleet=Scorecard("FLEET", None, None, None, None, None, None, 10, 50.0, *owed),
        scorecards=Shortlist(
            [
                Scorecard("ACCOUNT", "111122223333", BREAKOUT, None, None, None, None, 10, 50.0, *owed),
                Scorecard(
                    *("ACCOUNT", "222233334444", SCRIPT, None, None, None, None, None, None),
                    *(None,) * 8,
                ),
                *(Scorecard("PATCH_GROUP", None, None, name, None, None, None, 1, 0.0, *owed) for name in HOSTILE),
                *(Scorecard("TAG", None, None, None, name, "READ", name, 1, 0.0, *owed) for name in HOSTILE),
                Scorecard("TAG", None, None, None, "Owner", "NOT_READ", None, 0, None, *owed),
            ],
            4000,
        ),
        worst=Shortlist(breaches, 4000),
        accounts=Shortlist([OverdueAccount("111122223333", BREAKOUT, 1, 2, 3, 4, 5)], 1),
        lines_of_accounts={"111122223333": breaches},
        trend=[OverdueDay("2026-10-25", 4), OverdueDay("2026-11-01", 3)],
        remediation=[RemediatedMonth("2026-10", "Critical", 4, 9, 4, 5, 1, 12, 30)],
        problems=Shortlist([PolicyProblem("sla", name, name, name) for name in HOSTILE], 4000),
    )


def _breach(number: int, name: str) -> Breach:
    return Breach(
        "111122223333",
        name,
        "eu-central-1",
        f"i-{number:017x}",
        name,
        name,
        name,
        name,
        name,
        "Critical",
        4,
        "EXCEPTION_EXPIRED" if number == 0 else "OVERDUE",
        "OVERDUE",
        None if number % 2 else "AGE_NOT_KNOWN",
        40 - number,
        number % 2 == 0,
        15,
        30,
        "2026-10-31" if number == 0 else None,
    )
