"""Two weeks of a small fleet, written by the pipeline itself; the tests know every row.

Six runs are in the window of the present, 13 November 2026, 12:00 UTC; an older one is not. There is a week without
runs, a day with two, a target that cannot be listed (twice), a batch that is refused, an answer that breaks SSM's
rules, an account that is suspended, another that leaves, and a run whose snapshot is not published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from patchlake.adapters.memory import MemoryApi
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import snapshot_key
from patchlake.core.plan import Account
from patchlake.core.records import InvalidRow, Page, Record
from patchlake.core.run import run_at
from patchlake.core.tables import Table
from patchlake.core.targets import Target
from patchlake.errors import RefusedError
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.source import Operation
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.location import LakeLocation
from tests.world import HOME, World, node_id, node_information, patch_state

NOW = datetime(2026, 11, 13, 12, tzinfo=UTC)

OLD = "20261001T060000Z"
"""Before the window."""
R1 = "20261101T060000Z"
"""Its files lack the newest column."""
R2 = "20261102T060000Z"
R3 = "20261102T180000Z"
"""On the same day; shop in us-east-1 cannot be listed."""
R4 = "20261110T060000Z"
"""After a week without runs: lab is suspended, closed has left the plan."""
R5 = "20261112T060000Z"
"""The latest: shop in us-east-1 cannot be listed, and in eu-central-1 no state can be read."""
R6 = "20261113T060000Z"
"""Its coverage is there, its snapshot is not."""

SHOP, LAB, CLOSED = "222233334444", "333344445555", "444455556666"
A_EU, A_US = Target(HOME, "eu-central-1"), Target(HOME, "us-east-1")
B_EU, B_US = Target(SHOP, "eu-central-1"), Target(SHOP, "us-east-1")
C_EU, D_EU = Target(LAB, "eu-central-1"), Target(CLOSED, "eu-central-1")

type Members = Mapping[str, Any]

LINUX = {"PlatformType": "Linux", "PlatformName": "Amazon Linux", "PlatformVersion": "2023"}
UBUNTU = {"PlatformType": "Linux", "PlatformName": "Ubuntu", "PlatformVersion": "22.04"}
WINDOWS = {
    "PlatformType": "Windows",
    "PlatformName": "Microsoft Windows Server 2022 Datacenter",
    "PlatformVersion": "10.0.20348",
}
UNKNOWN_PLATFORM: Members = {}

WEB, DB, DB2 = ("web", "pb-0000000000000web0"), ("db", "pb-0000000000000db10"), ("db", "pb-0000000000000db20")
WIN, NO_GROUP = ("win", "pb-0000000000000win0"), ("", "pb-0000000000000def0")

CLEAN = {
    "InstalledCount": 40,
    "InstalledOtherCount": 5,
    "InstalledPendingRebootCount": 0,
    "InstalledRejectedCount": 0,
    "MissingCount": 0,
    "FailedCount": 0,
    "CriticalNonCompliantCount": 0,
    "SecurityNonCompliantCount": 0,
    "OtherNonCompliantCount": 0,
    "AvailableSecurityUpdateCount": 0,
}
LACKING = CLEAN | {"MissingCount": 4, "CriticalNonCompliantCount": 1, "SecurityNonCompliantCount": 3}
YEAR_1 = -62_135_596_800
ABSENT = None
NEVER_SCANNED: Members = {}


def scanned(at: str, state: Members = CLEAN) -> Members:
    """Return a state whose operation ended at its own time."""
    end = datetime.fromisoformat(at).timestamp()
    return {**state, "OperationStartTime": end - 60, "OperationEndTime": end}


@dataclass(frozen=True)
class Life:
    """A node, and its state in each of R1 to R5; in R6 it is as in R5."""

    target: Target
    platform: Members
    group: tuple[str, str]
    states: Sequence[Members | None]


_SLOW = scanned("2026-10-20T05:00:00+00:00", LACKING)
_OFF = scanned("2026-11-05T05:00:00+00:00")

LIVES = {
    1: Life(A_EU, LINUX, WEB, [CLEAN] * 5),
    2: Life(A_EU, LINUX, WEB, [CLEAN, LACKING, LACKING, LACKING, CLEAN]),
    3: Life(A_EU, UBUNTU, DB, [_SLOW] * 5),
    4: Life(
        A_EU,
        UBUNTU,
        DB2,
        [
            CLEAN,
            CLEAN,
            LACKING,
            scanned("2026-11-02T20:00:00+00:00"),
            CLEAN | {"InstalledPendingRebootCount": 3, "OtherNonCompliantCount": 3, "RebootOption": "NoReboot"},
        ],
    ),
    5: Life(
        A_EU,
        WINDOWS,
        WIN,
        [CLEAN] * 4
        + [
            CLEAN
            | {
                "FailedCount": 2,
                "SecurityNonCompliantCount": 2,
                "AvailableSecurityUpdateCount": 1,
                "InstalledOtherCount": 9,
                "Operation": "Install",
            }
        ],
    ),
    6: Life(A_EU, WINDOWS, WIN, [NEVER_SCANNED] * 5),
    7: Life(
        A_EU,
        LINUX,
        WEB,
        [ABSENT] * 3 + [CLEAN, CLEAN | {"OperationStartTime": YEAR_1, "OperationEndTime": YEAR_1}],
    ),
    8: Life(
        A_EU, LINUX, WEB, [ABSENT] * 4 + [CLEAN | {"SecurityNonCompliantCount": None, "InstalledOtherCount": None}]
    ),
    9: Life(A_EU, UBUNTU, DB, [CLEAN, CLEAN, ABSENT, ABSENT, ABSENT]),
    10: Life(A_EU, LINUX, WEB, [LACKING] * 4 + [ABSENT]),
    11: Life(B_EU, LINUX, WEB, [LACKING] * 5),
    12: Life(B_EU, WINDOWS, WIN, [CLEAN] * 5),
    14: Life(A_EU, LINUX, WEB, [CLEAN] * 5),
    15: Life(A_EU, UNKNOWN_PLATFORM, NO_GROUP, [CLEAN] * 3 + [_OFF] * 2),
    21: Life(B_US, LINUX, WEB, [LACKING, CLEAN, CLEAN, LACKING, LACKING]),
    22: Life(B_US, UBUNTU, DB, [CLEAN] * 5),
    23: Life(B_US, LINUX, WEB, [CLEAN] * 3 + [ABSENT] * 2),
    31: Life(C_EU, LINUX, WEB, [CLEAN] * 5),
    41: Life(D_EU, LINUX, WEB, [LACKING] * 5),
}
"""By the number of the node; node_id(1) is the first."""


@dataclass
class OddSource(MemoryApi):
    """The SSM of a target that can answer about a node in a way that breaks its rules."""

    invalid: dict[str, str] = field(default_factory=dict)

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
        """Return a page, and what is invalid of it."""
        page = super().page(operation, [i for i in ids if i not in self.invalid], token)
        return replace(page, rows=[*page.rows, *(InvalidRow(i, self.invalid[i]) for i in ids if i in self.invalid)])


def new_world() -> World:
    """Return an organization of two accounts in two regions, whose tables are Parquet."""
    world = World(regions=("eu-central-1", "us-east-1"), accounts="organization", tables=ParquetTables())
    world.accounts.organization = [Account(HOME, "platform"), Account(SHOP, "shop")]
    return world


def run(world: World, run_id: str) -> None:
    """Let one run happen, a minute after its scheduled time."""
    world.clock.at = run_at(run_id) + timedelta(minutes=1)
    world.committed.clear()
    world.plan.handle({"scheduled_time": run_at(run_id).isoformat()})
    world.run_until_committed()


def refuse(world: World, target: Target, listing_status: str, code: str, operation: str) -> None:
    """Let a target refuse one of the two calls from now on."""

    def refusing(called: str) -> None:
        if called == operation:
            raise RefusedError(listing_status, code, f"{target} refuses {operation}")

    world.apis.of(target).before_call = refusing


def allow(world: World) -> None:
    """Let every target answer again."""
    for source in world.apis.targets.values():
        source.before_call = lambda _operation: None


def write_lake(world: World, folder: Path) -> None:
    """Write the published objects of a world into a folder."""
    for key, body in world.store.objects.items():
        if key.startswith("lake/"):
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)


def opened(folder: Path) -> Lake:
    """Return the lake of a folder as it is at the end of the story."""
    return open_lake(LakeLocation(str(folder)), now=NOW)


def tell(folder: Path) -> World:
    """Run the whole story, write the lake into a folder, and return the world with everything that it stored."""
    world = new_world()
    home = OddSource(world.clock, world.apis.call_counter)
    world.apis.targets[A_EU] = home
    organization = world.accounts.organization
    organization += [Account(LAB, "lab"), Account(CLOSED, "closed")]

    world.add_nodes(A_EU, [99])
    run(world, OLD)

    _live(world, R1, 0)
    run(world, R1)
    _forget_column(world, R1, "available_security_update_count")

    _live(world, R2, 1)
    run(world, R2)

    _live(world, R3, 2)
    refuse(world, B_US, "ROLE_NOT_ASSUMABLE", "AccessDenied", "DescribeInstanceInformation")
    run(world, R3)
    allow(world)

    organization[2:] = [Account(LAB, "lab", active=False)]
    _live(world, R4, 3)
    run(world, R4)

    _live(world, R5, 4)
    home.invalid = {node_id(14): "FailedCount: expected a whole number"}
    refuse(world, B_US, "ACCESS_DENIED", "AccessDeniedException", "DescribeInstanceInformation")
    refuse(world, B_EU, "ACCESS_DENIED", "AccessDeniedException", "DescribeInstancePatchStates")
    run(world, R5)
    allow(world)

    home.invalid = {}
    _live(world, R6, 4)
    run(world, R6)
    del world.store.objects[snapshot_key(R6)]

    write_lake(world, folder)
    return world


def _live(world: World, run_id: str, day: int) -> None:
    """Put every node into its state of a run; where it has no scan time of its own, the scan was an hour before."""
    for source in world.apis.targets.values():
        source.nodes.clear()
        source.states.clear()
    end = run_at(run_id).timestamp() - 3600
    for number, life in LIVES.items():
        state = life.states[day]
        if state is ABSENT:
            continue
        source = world.apis.of(life.target)
        source.nodes[node_id(number)] = node_information(
            number,
            ComputerName=f"host-{number}",
            AgentVersion="3.3.3050.0" if number == 3 else "3.3.3598.0",
            IsLatestVersion=number != 3,
            PingStatus="ConnectionLost" if number == 15 else "Online",
            **life.platform,
        )
        if state is not NEVER_SCANNED:
            group, baseline = life.group
            times = {"OperationStartTime": end - 60, "OperationEndTime": end}
            source.states[node_id(number)] = patch_state(
                number, **{**times, "PatchGroup": group, "BaselineId": baseline, **state}
            )


def _forget_column(world: World, run_id: str, name: str) -> None:
    """Rewrite a snapshot as an older build without a column would have written it."""
    key = snapshot_key(run_id)
    file = world.tables.open(world.store.objects[key])
    older = Table(
        PATCH_STATES.name, PATCH_STATES.table.description, tuple(c for c in PATCH_STATES.table if c.name != name)
    )
    groups = [file.columns(older.column_names, group) for group in range(len(file.row_counts))]
    world.store.objects[key] = world.tables.encode(older, groups, file.metadata)
