"""The clocks, computed again in plain Python: node by node and run by run, with nothing of the SQL."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from patchlake.core.run import run_at

OPEN = {"Missing", "Failed", "InstalledPendingReboot"}
KNOWN = OPEN | {"InstalledRejected", "AvailableSecurityUpdate"}
RANKS = {"Critical": 4, "Important": 3, "Moderate": 2, "Medium": 2, "Low": 1}
NAMES = {4: "Critical", 3: "Important", 2: "Medium", 1: "Low", 0: "Unranked"}
COUNTED = {
    "Missing": "missing_count",
    "Failed": "failed_count",
    "InstalledPendingReboot": "installed_pending_reboot_count",
    "InstalledRejected": "installed_rejected_count",
}
NOT_A_TIME = datetime(2000, 1, 1, tzinfo=UTC)

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
CHANGING = "|".join(
    (
        r"\d{4}-(?:0[1-9]|1[0-2])(?:-[0-3]\d)?",
        rf"(?:{'|'.join(MONTHS)}),? \d{{4}}",
        r"\d{1,2}/\d{1,2}/\d{4}",
        r"[Kk][Bb] ?\d+",
        r"[vV]?\d+(?:\.\d+)+",
        r"CU\d+",
    )
)

type Row = Mapping[str, Any]
type Tables = Mapping[str, Sequence[Row]]
type Node = tuple[str, str, str]


@dataclass
class Streak:
    """A clock from its first sight on; it has not begun before ``opened_at`` is known.

    Attributes:
        held_at: when it was last seen, be it only as an AvailableSecurityUpdate.
        baseline: the baseline under which that was.
        is_absent: whether a later scan did not have it open.
    """

    held_at: datetime
    baseline: str | None
    opened_at: datetime | None = None
    before: datetime | None = None
    last_open_at: datetime | None = None
    last_open_run: str | None = None
    rank: int = 0
    is_absent: bool = False
    ended_at: datetime | None = None
    ended_run: str | None = None


@dataclass(frozen=True)
class Look:
    """One run's view of the patches of a node.

    Attributes:
        seen_at: the time of its open patches: that of the scan, or of the answer where the scan is not known;
            None without an answer.
        is_scan_known: whether it is that of the scan.
        operation_end: the end of the scan, None if that is no valid time.
        scanned_at: the end of the scan if what is not here is not open by it; None if that cannot be concluded.
        may_hide: whether what is not here may be an AvailableSecurityUpdate that was not read.
    """

    run_id: str
    seen_at: datetime | None
    is_scan_known: bool
    scanned_at: datetime | None
    operation_end: datetime | None
    baseline: str | None
    is_overridden: bool
    may_hide: bool
    rows: Sequence[Row]


@dataclass
class NodeHistory:
    """The clocks of a node."""

    last_listed: str = ""
    has_severities: bool = True
    last_scan: datetime | None = None
    newest_scan: datetime = NOT_A_TIME
    newest_sight: datetime = NOT_A_TIME
    running: dict[tuple[str, ...], Streak] = field(default_factory=dict)
    streaks: list[tuple[tuple[str, ...], Streak]] = field(default_factory=list)

    def look(self, look: Look) -> None:
        """Let a run start, continue and end clocks."""
        self.newest_scan = max(self.newest_scan, look.operation_end or NOT_A_TIME)
        self.newest_sight = max(self.newest_sight, look.seen_at or NOT_A_TIME)
        held: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in look.rows:
            if row["kb_id"] is not None and row["title"] is not None:
                line = line_of(row["kb_id"], row["title"])
                if row["state"] in OPEN or row["state"] == "AvailableSecurityUpdate":
                    held["LINE", line].append(row)
                    held["PATCH", line, row["kb_id"], row["title"]].append(row)
        for key, rows in held.items():
            self._continue(key, look, rows)
        if look.scanned_at is not None:
            self._end(look, look.scanned_at, held)
            self.last_scan = max(filter(None, (self.last_scan, look.scanned_at)))

    def _continue(self, key: tuple[str, ...], look: Look, rows: Sequence[Row]) -> None:
        """Start the clock of what a run has, or let it go on."""
        if key not in self.running:
            self.running[key] = Streak(self.newest_scan, look.baseline)
            self.streaks.append((key, self.running[key]))
        streak = self.running[key]
        streak.held_at, streak.baseline = self.newest_scan, look.baseline
        streak.rank = max([streak.rank, *(RANKS.get(row["severity"], 0) for row in rows)])
        if any(row["state"] in OPEN for row in rows):
            if streak.opened_at is None:
                streak.opened_at, streak.before = self.newest_sight, self.last_scan
            streak.last_open_at = self.newest_sight
            streak.last_open_run, streak.is_absent = look.run_id, False

    def _end(self, look: Look, scanned_at: datetime, held: Mapping[tuple[str, ...], Sequence[Row]]) -> None:
        """End the clocks of what is gone at a scan, and mark what is only absent."""
        is_comparable = look.baseline is not None and not look.is_overridden and not look.may_hide
        for key, streak in list(self.running.items()):
            is_open = any(row["state"] in OPEN for row in held.get(key, ()))
            if streak.last_open_at is not None and not is_open and scanned_at > streak.last_open_at:
                streak.is_absent = True
            is_gone = key not in held and scanned_at > streak.held_at and scanned_at == self.newest_scan
            if is_gone and is_comparable and look.baseline == streak.baseline:
                streak.ended_at, streak.ended_run = scanned_at, look.run_id
                del self.running[key]


def line_of(kb_id: str, title: str) -> str:
    """Return the line of a patch."""
    if not re.fullmatch("kb[0-9]+", kb_id, re.IGNORECASE):
        return kb_id
    text = re.sub(r"\([^()]*\)", " ", re.sub(r"\([^()]*\)", " ", title))
    words = re.sub(" +", " ", re.sub(CHANGING, " ", text)).strip(" ,:;-")
    return words if re.search(r"[^ ,.:;/&+()-]", words) else kb_id


def clocks(tables: Tables) -> list[dict[str, Any]]:
    """Return a row for each streak of a patch and of a line."""
    coverage, states, patches = (_by_run(tables[name]) for name in ("coverage", "patch_states", "patches"))
    nodes: dict[Node, NodeHistory] = defaultdict(NodeHistory)
    looks: dict[Node, list[Look]] = defaultdict(list)
    last_read: dict[tuple[str, str], str] = {}
    published = [
        run_id
        for run_id in sorted(coverage)
        if len(states[run_id]) == sum(row["nodes_listed"] or 0 for row in coverage[run_id])
    ]
    for run_id in published:
        for target in coverage[run_id]:
            if target["listing_status"] == "LISTED" and not target.get("rows_without_id"):
                last_read[target["account_id"], target["region"]] = run_id
        counted = [row["patches_rows"] for row in coverage[run_id] if row.get("patches_status") is not None]
        are_there = bool(counted) and sum(count or 0 for count in counted) == len(patches[run_id])
        found: dict[Node, list[Row]] = defaultdict(list)
        for row in patches[run_id] if are_there else ():
            found[_node(row)].append(row)
        for state in states[run_id]:
            node = nodes[_node(state)]
            node.last_listed = run_id
            if state["collection_status"] == "COLLECTED":
                platform = state.get("platform_name") or ""
                node.has_severities = platform != "" and not platform.startswith(("Ubuntu", "Debian"))
                looks[_node(state)].append(_look(run_id, state, found[_node(state)]))
    for identity, of_node in looks.items():
        for number, look in enumerate(of_node):
            nodes[identity].look(_not_after_the_next_scan(look, of_node[number + 1 :]))
    rows = []
    for (account_id, region, instance_id), node in nodes.items():
        ends = {(key[1], streak.ended_run) for key, streak in node.streaks if key[0] == "LINE" and streak.ended_run}
        is_gone = last_read.get((account_id, region), "") > node.last_listed
        place = {"account_id": account_id, "region": region, "instance_id": instance_id}
        rows += [
            place
            | _row(key, streak, newest=published[-1], outcome=_outcome(key, streak, ends, is_gone=is_gone))
            | _severity(streak, node)
            for key, streak in node.streaks
            if streak.opened_at is not None
        ]
    return rows


def remediation(rows: Iterable[Row], groups: Mapping[Node, str]) -> list[dict[str, Any]]:
    """Return the cohorts of lines by scope, month and severity.

    Args:
        rows: those of `clocks`.
        groups: the patch group of each node.
    """
    cohorts: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row["clock"] == "LINE":
            scopes = (
                ("FLEET", None, None),
                ("ACCOUNT", row["account_id"], None),
                ("PATCH_GROUP", None, groups[_node(row)]),
            )
            for scope in scopes:
                cohorts[*scope, f"{row['opened_at']:%Y-%m}", row["severity_rank"]].append(row)
                cohorts[*scope, None, None].append(row)
    return [
        {
            "scope": scope,
            "account_id": account_id,
            "patch_group": patch_group,
            "month": month,
            "severity": None if rank is None else NAMES[rank],
            **cohort(lines),
        }
        for (scope, account_id, patch_group, month, rank), lines in cohorts.items()
    ]


def cohort(lines: Sequence[Row]) -> dict[str, int]:
    """Return the figures of a cohort of lines."""
    days = sorted(
        line["days_open"]
        if line["outcome"] == "REMEDIATED"
        else max(0, (line["last_open_at"].date() - line["opened_at"].date()).days)
        for line in lines
    )
    return {
        "lines": len(lines),
        "lines_remediated": sum(line["outcome"] == "REMEDIATED" for line in lines),
        "lines_open": sum(line["outcome"] == "OPEN" for line in lines),
        "lines_rescoped": sum(line["outcome"] == "RESCOPED" for line in lines),
        "lines_gone": sum(line["outcome"] == "NODE_GONE" for line in lines),
        "lines_older": sum(line["is_lower_bound"] for line in lines),
        "median_days": days[ceil(len(days) / 2) - 1],
        "p90_days": days[ceil(len(days) * 9 / 10) - 1],
    }


def groups_of(tables: Tables) -> dict[Node, str]:
    """Return the patch group of each node that has had a state; no node changes it."""
    return {_node(row): row["patch_group"] for row in tables["patch_states"] if "patch_group" in row}


def node_ages(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return a row for each node with an open line."""
    by_node: dict[Node, list[Row]] = defaultdict(list)
    for row in rows:
        if row["clock"] == "LINE" and row["outcome"] == "OPEN":
            by_node[_node(row)].append(row)
    found = []
    for (account_id, region, instance_id), lines in by_node.items():
        most = [line["most_days_open"] for line in lines]
        found.append(
            {
                "account_id": account_id,
                "region": region,
                "instance_id": instance_id,
                "lines_open": len(lines),
                "lines_open_lower_bound": sum(line["is_confirmed"] for line in lines),
                "severity_rank": max(line["severity_rank"] for line in lines),
                "opened_at": min(line["opened_at"] for line in lines),
                "last_open_at": max(line["last_open_at"] for line in lines),
                "days_open": max(line["days_open"] for line in lines),
                "is_lower_bound": any(line["is_lower_bound"] for line in lines),
                "most_days_open": None if None in most else max(most),
            }
        )
    return found


def _look(run_id: str, state: Row, rows: Sequence[Row]) -> Look:
    end, start, answered = (
        _time(state.get(name)) for name in ("operation_end_time", "operation_start_time", "collected_at")
    )
    is_valid = (
        end is not None
        and answered is not None
        and end >= NOT_A_TIME
        and not (start is not None and end < start)
        and end <= answered + timedelta(days=1)
    )
    counts = {name: state.get(count) for name, count in COUNTED.items()}
    agree = all(counts[name] == sum(row["state"] == name for row in rows) for name in COUNTED)
    patches = [row for row in rows if row["collection_status"] != "NO_PATCHES"]
    are_clear = all(row["state"] in KNOWN and row["kb_id"] is not None and row["title"] is not None for row in patches)
    are_zero = all(count == 0 for count in counts.values())
    patches_answered = max(filter(None, (_time(row["collected_at"]) for row in rows)), default=None)
    scan = end if is_valid else None
    is_scan_known = agree and scan is not None
    return Look(
        run_id,
        scan if is_scan_known else patches_answered,
        is_scan_known,
        scan if are_zero or (agree and are_clear) else None,
        scan,
        state.get("baseline_id"),
        state.get("install_override_list") is not None,
        bool(state.get("available_security_update_count")) and not (rows and are_clear),
        rows,
    )


def _not_after_the_next_scan(look: Look, later: Sequence[Look]) -> Look:
    """Return a look whose scan is not known with the time of the first that is, if it began after the answer."""
    scans = [each.operation_end for each in later if each.operation_end is not None]
    if look.is_scan_known or look.seen_at is None or not scans or run_at(later[0].run_id) < look.seen_at:
        return look
    return replace(look, seen_at=min(look.seen_at, *scans))


def _outcome(key: tuple[str, ...], streak: Streak, ends: set[tuple[str, str]], *, is_gone: bool) -> str:
    if streak.ended_run is not None:
        return "REMEDIATED" if (key[1], streak.ended_run) in ends else "REPLACED"
    if is_gone:
        return "NODE_GONE"
    return "RESCOPED" if streak.is_absent else "OPEN"


def _severity(streak: Streak, node: NodeHistory) -> dict[str, Any]:
    rank = streak.rank if node.has_severities else 0
    return {"severity_rank": rank, "severity": NAMES[rank]}


def _row(key: tuple[str, ...], streak: Streak, *, newest: str, outcome: str) -> dict[str, Any]:
    clock, line, *patch = key
    assert streak.opened_at is not None
    assert streak.last_open_at is not None
    until = run_at(newest) if outcome == "OPEN" else streak.ended_at or streak.last_open_at
    days = max(0, (until.date() - streak.opened_at.date()).days)
    unseen = None if streak.before is None else max(0, (streak.opened_at.date() - streak.before.date()).days - 1)
    return {
        "clock": clock,
        "line": line,
        "kb_id": patch[0] if patch else None,
        "title": patch[1] if patch else None,
        "outcome": outcome,
        "is_confirmed": outcome == "OPEN" and streak.last_open_run == newest,
        "opened_at": streak.opened_at.replace(tzinfo=None),
        "last_open_at": streak.last_open_at.replace(tzinfo=None),
        "last_open_run_id": streak.last_open_run,
        "ended_at": streak.ended_at and streak.ended_at.replace(tzinfo=None),
        "days_open": days,
        "is_lower_bound": unseen is None or unseen > 0,
        "most_days_open": None if unseen is None else days + unseen,
    }


def _by_run(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["run_id"]].append(row)
    return found


def _node(row: Row) -> Node:
    return row["account_id"], row["region"], row["instance_id"]


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
