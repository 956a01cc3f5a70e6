"""A small fleet whose patches appear, replace each other and are installed, as runs read it and where they fail to.

What happens to the nodes and what a run reads of it are drawn apart, so that the same days can be told with more of
them unread.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from patchlake.core.run import milliseconds, run_id_of

FIRST: Final = datetime(2026, 9, 2, 6, tzinfo=UTC)
TARGETS: Final = (("111122223333", "eu-central-1"), ("111122223333", "us-east-1"), ("222233334444", "eu-central-1"))
BASELINES: Final = ("pb-1", "pb-2")
SERVER = "Cumulative Update for Windows Server 2022 for x64-based Systems"
MONTHS: Final = ("2026-08", "2026-09", "2026-10", "2026-11")
RELEASED: Final = (-30, 8, 40, 70)
"""The day on which the update of each month is released."""

YEAR_ONE: Final = -62_135_596_800_000
REFUSED, NOT_PLANNED, NAMELESS = "ACCESS_DENIED", "TARGET_NOT_PLANNED", "rows without an id"

type Row = dict[str, Any]
type Name = tuple[str, str]


@dataclass(frozen=True)
class Scan:
    """The state of a node after a scan: its patches by id and title."""

    at: datetime
    baseline: str | None
    override: str | None
    patches: Mapping[Name, str]


@dataclass(frozen=True)
class Days:
    """The scans of each node, those days on which it is there, and the days on which more is not read.

    Attributes:
        scans: those of each node, in order.
        there: the days on which each node is listed.
        of_target: what a run could not read of a target, by day and target.
        of_node: what it could not read of a node, by day and node.
        of_table: the runs whose table of patches is NOT_ASKED or UNPUBLISHED.
    """

    days: int
    platforms: tuple[str, ...]
    scans: tuple[tuple[Scan, ...], ...]
    there: tuple[frozenset[int], ...]
    of_target: Mapping[tuple[int, int], str] = field(default_factory=dict)
    of_node: Mapping[tuple[int, int], str] = field(default_factory=dict)
    of_table: Mapping[int, str] = field(default_factory=dict)

    def tables(self) -> dict[str, list[Row]]:
        """Return the rows of each table."""
        tables: dict[str, list[Row]] = {"coverage": [], "patch_states": [], "patches": []}
        for day in range(self.days):
            for target in range(len(TARGETS)):
                self._read(day, target, tables)
        return tables

    def _read(self, day: int, target: int, tables: dict[str, list[Row]]) -> None:
        fault, table = self.of_target.get((day, target)), self.of_table.get(day)
        if fault == NOT_PLANNED:
            return
        place = {"run_id": run_of(day), "account_id": TARGETS[target][0], "region": TARGETS[target][1]}
        states: list[Row] = []
        patches: list[Row] = []
        for number, there in enumerate(self.there):
            if number % len(TARGETS) == target and day in there and fault != REFUSED:
                state, found = self._node(day, number)
                states.append(place | state)
                patches += [place | state_of_node(number) | row for row in found]
        coverage: Row = {**place, "listing_status": fault or "LISTED", "nodes_listed": None}
        if fault != REFUSED:
            coverage |= {
                "listing_status": "LISTED",
                "nodes_listed": len(states),
                "rows_without_id": int(fault == NAMELESS),
            }
        if table != "NOT_ASKED":
            coverage |= {"patches_status": "COMPLETE", "patches_rows": len(patches) if fault != REFUSED else None}
        tables["coverage"].append(coverage)
        tables["patch_states"] += states
        tables["patches"] += [] if table else patches

    def _node(self, day: int, number: int) -> tuple[Row, list[Row]]:
        fault = self.of_node.get((day, number))
        answered = FIRST + timedelta(days=day, minutes=10)
        platform = {"platform_name": self.platforms[number], "collected_at": milliseconds(answered)}
        before = [scan for scan in self.scans[number] if scan.at < answered]
        if fault in {"NOT_COLLECTED", "INVALID_RESPONSE"} or not before:
            return state_of_node(number) | platform | {"collection_status": fault or "NO_PATCH_STATE"}, []
        scan = before[-1]
        counts: dict[str, int | None] = {
            column: sum(state == name for state in scan.patches.values()) for name, column in COUNTS.items()
        }
        available = sum(state == "AvailableSecurityUpdate" for state in scan.patches.values())
        state = (
            state_of_node(number)
            | platform
            | counts
            | {
                "collection_status": "COLLECTED",
                "operation_end_time": milliseconds(scan.at),
                "baseline_id": scan.baseline,
                "patch_group": group_of(number),
                "install_override_list": scan.override,
                "available_security_update_count": available,
            }
        )
        later = answered + timedelta(hours=1)
        match fault:
            case "NO_SCAN_TIME":
                state["operation_end_time"] = YEAR_ONE
            case "COUNT_ABSENT":
                state["failed_count"] = None
            case "RESCANNED":
                scan = next((each for each in self.scans[number] if answered <= each.at), scan)
                later = max(later, scan.at + timedelta(minutes=1))
        rows = [
            {
                "collection_status": "COLLECTED",
                "collected_at": milliseconds(later),
                "kb_id": kb_id,
                "title": title,
                "classification": "SecurityUpdates",
                "severity": severity_of(title),
                "state": status,
            }
            for (kb_id, title), status in sorted(scan.patches.items())
        ]
        match fault:
            case "PATCHES_NOT_COLLECTED" if rows:
                rows = [{**rows[0], **dict.fromkeys(("kb_id", "title", "severity", "state")), **NOT_COLLECTED}]
            case "NAME_LOST" if rows:
                rows[0] |= {"title": None, "collection_detail": "Title: expected a text"}
            case "STATE_LOST" if rows:
                rows[-1] |= {"state": None, "collection_detail": "State: expected a text"}
            case "ROW_LOST" if rows:
                del rows[0]
            case _:
                pass
        return state, rows


COUNTS: Final = {
    "Missing": "missing_count",
    "Failed": "failed_count",
    "InstalledPendingReboot": "installed_pending_reboot_count",
    "InstalledRejected": "installed_rejected_count",
}
NOT_COLLECTED: Final = {"collection_status": "NOT_COLLECTED", "collection_detail": "TimeoutError"}
STATE_FAULTS: Final = ("NOT_COLLECTED", "INVALID_RESPONSE", "NO_SCAN_TIME", "COUNT_ABSENT")
PATCH_FAULTS: Final = ("PATCHES_NOT_COLLECTED", "NAME_LOST", "STATE_LOST", "ROW_LOST")
SECOND_SCANS: Final = "RESCANNED"


def run_of(day: int) -> str:
    """Return the id of the run of a day."""
    return run_id_of((FIRST + timedelta(days=day)).isoformat())


def state_of_node(number: int) -> Row:
    """Return the id of a node."""
    return {"instance_id": f"i-{number:08x}"}


def group_of(number: int) -> str:
    """Return the patch group of a node."""
    return ("web", "db", "")[number // 2 % 3]


def severity_of(title: str) -> str:
    """Return a severity that follows from a title; that of a line may change from month to month."""
    return ("Critical", "Important", "Moderate", "Low", "Unspecified", "")[sum(map(ord, title)) % 6]


def lives(random: Random, *, nodes: int, days: int, moves_back: bool = True) -> Days:
    """Let nodes live for some days: they are scanned and patched, change their baseline, leave and come back.

    Args:
        random: the source of all chances.
        nodes: how many nodes there are.
        days: for how many days.
        moves_back: whether a node may get a baseline again that it has had before.
    """
    platforms = tuple(
        random.choice(("Windows Server 2022", "Amazon Linux", "Ubuntu", None)) or "" for _ in range(nodes)
    )
    return Days(
        days,
        platforms,
        tuple(_scans(random, days, moves_back=moves_back) for _ in range(nodes)),
        tuple(_there(random, days) for _ in range(nodes)),
    )


def blinded(random: Random, told: Days, *, often: float) -> Days:
    """Return the same days, of which runs read less; what was unread stays so."""
    of_target = {
        (day, target): random.choice((REFUSED, REFUSED, NOT_PLANNED, NAMELESS))
        for day in range(told.days)
        for target in range(len(TARGETS))
        if random.random() < often / 2 and (day or target)
    }
    of_node = {
        (day, number): random.choice((*STATE_FAULTS, *PATCH_FAULTS))
        for day in range(told.days)
        for number in range(len(told.scans))
        if random.random() < often
    }
    of_table = {
        day: random.choice(("NOT_ASKED", "UNPUBLISHED")) for day in range(told.days) if random.random() < often / 4
    }
    return replace(
        told,
        of_target={**of_target, **told.of_target},
        of_node={**of_node, **told.of_node},
        of_table={**of_table, **told.of_table},
    )


def rescanned(random: Random, told: Days, *, often: float) -> Days:
    """Return the same days, with a scan between SSM's two answers in some runs."""
    of_node = {
        (day, number): SECOND_SCANS
        for day in range(told.days)
        for number in range(len(told.scans))
        if random.random() < often
    }
    return replace(told, of_node={**of_node, **told.of_node})


def _there(random: Random, days: int) -> frozenset[int]:
    there = set(range(random.choice((0, 0, 0, random.randrange(days))), days))
    for _ in range(random.choice((0, 0, 1, 2))):
        leaves = random.randrange(days)
        there -= set(range(leaves, leaves + random.choice((1, 3, 9, days))))
    return frozenset(there)


def _scans(random: Random, days: int, *, moves_back: bool) -> tuple[Scan, ...]:
    """Draw the scans of a node: most days one, sometimes two, in a few weeks none."""
    scans: list[Scan] = []
    installs, moves = random.choice((0.02, 0.1, 0.3)), random.choice((0.0, 0.05))
    baselines: list[str | None] = [BASELINES[0]]
    done: dict[str, int] = {}
    quiet = random.choice((0, 0, 7))
    for day in range(-3, days):
        for hour in sorted(random.sample(range(24), random.choice((0, 1, 1, 1, 2)))):
            if quiet and day % 14 < quiet:
                continue
            if random.random() < moves:
                known = [*BASELINES, None] if moves_back else [f"pb-{len(scans) + 3}"]
                baselines.append(random.choice(known))
            at = FIRST + timedelta(days=day, hours=hour - 6, seconds=random.randrange(3600))
            override = "s3://lists/now.yaml" if random.random() < 0.04 else None
            scans.append(Scan(at, baselines[-1], override, _patches(random, day, done, installs, baselines[-1])))
    return tuple(scans)


def _patches(random: Random, day: int, done: dict[str, int], installs: float, baseline: str | None) -> dict[Name, str]:
    """Draw what a scan finds: of each line the newest patch that is released and not installed."""
    found: dict[Name, str] = {}
    for line in ("server", "framework", "sql", "openssl"):
        index = max(number for number, released in enumerate(RELEASED) if released <= day)
        is_new = day - RELEASED[index] < 7
        if done.get(line, -1) >= index and random.random() > 0.01:
            continue
        if random.random() < installs:
            done[line] = index
            continue
        if baseline == BASELINES[1] and line != "server":
            continue
        if is_new and line == "server":
            found[_name(line, index)] = "AvailableSecurityUpdate"
            continue
        found[_name(line, index)] = random.choices(
            ("Missing", "Failed", "InstalledPendingReboot", "InstalledRejected", "AvailableSecurityUpdate"),
            (20, 2, 2, 0.3, 0.3),
        )[0]
        if index and random.random() < 0.2:
            # Not yet replaced: both months are open.
            found[_name(line, index - 1)] = "Missing"
    return found


def _name(line: str, index: int) -> Name:
    kb_id = f"KB50{index}{len(line)}"
    match line:
        case "server":
            return kb_id, f"{MONTHS[index]} {SERVER} ({kb_id})"
        case "framework":
            return kb_id, f"{MONTHS[index]} Cumulative Update for .NET Framework 3.5, 4.8 and 4.8.1 ({kb_id})"
        case "sql":
            return kb_id, f"Security Update for SQL Server 2019 RTM CU{27 + index} ({kb_id})"
        case _:
            return "openssl.x86_64", f"openssl.x86_64:1:3.2.2-{5 + index}.amzn2023"
