"""Random histories of a small fleet, written twice: as it was read, and with more of it unreadable.

The unread part neither grows nor moves: a node or an instance arrives, changes its patch group, platform or state in
EC2, only in a run that reads it in both lakes, and a listing that has a row without an id, or an instance without a
state, is as readable in both. Under that condition no lower bound may rise. Compliance and tags change in any way,
nodes and instances leave at any time, and a node may leave SSM while its instance runs on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

from hypothesis import strategies as st

from patchlake.core.run import milliseconds, run_at
from patchlake.core.statuses import CollectionStatus, ListingStatus
from tests.analytics.synthetic import collected, instance, listed, no_patch, patch, tag

RUNS = ("20261109T060000Z", "20261110T060000Z", "20261111T060000Z")
TARGETS = (("111122223333", "eu-central-1"), ("111122223333", "us-east-1"), ("222233334444", "eu-central-1"))
NODES = 12
MOVES = 0.2
"""The chance that a node changes its patch group or platform, or an instance its state, in a run that may see it."""
IN_EC2 = 0.8
"""The chance that a node is an EC2 instance."""

NOT_PLANNED = "TARGET_NOT_PLANNED"
DESCRIPTION_LOST = "DESCRIPTION_LOST"
ID_LOST = "ID_LOST"

REFUSALS = tuple(sorted(set(ListingStatus) - {ListingStatus.LISTED, ListingStatus.ACCOUNT_NOT_ACTIVE}))
"""The ways in which a run may not read a target; an account that is not active has no nodes that count."""

ATTRIBUTES_LOST: Mapping[str, Mapping[str, Any]] = {
    "PATCH_GROUP_LOST": {"patch_group": None, "collection_detail": "PatchGroup: a reason"},
    "PLATFORM_NAME_LOST": {"platform_name": None, "collection_detail": "PlatformName: a reason"},
    "PLATFORM_NAME_EMPTY": {"platform_name": ""},
    "PLATFORM_TYPE_ABSENT": {"platform_type": None},
    "PLATFORM_VERSION_ABSENT": {"platform_version": None},
    "PLATFORM_VERSION_BLANK": {"platform_version": " "},
    "SCAN_START_LOST": {"operation_start_time": None, "collection_detail": "OperationStartTime: a reason"},
    "SCAN_END_LOST": {"operation_end_time": None, "collection_detail": "OperationEndTime: a reason"},
    "COUNT_LOST": {"missing_count": None, "collection_detail": "MissingCount: a reason"},
}
"""The values of a node that a run may not read although it reads the node: a bad value has a reason, an absent one has
none."""

NODE_FAULTS = (
    CollectionStatus.NOT_COLLECTED,
    CollectionStatus.INVALID_RESPONSE,
    DESCRIPTION_LOST,
    *ATTRIBUTES_LOST,
    ID_LOST,
)
"""The ways in which a run may not read a node that it lists: one loses its platform too, the last is a row without an
id, which no snapshot has."""

STATE_LOST = "STATE_LOST"
PATCH_FAULTS = (CollectionStatus.NOT_COLLECTED, CollectionStatus.INVALID_RESPONSE, STATE_LOST)
"""The ways in which a run may not read the patches of a node; one loses the state of each."""

INSTANCE_FAULTS = (ID_LOST, STATE_LOST)
"""The ways in which a run may not read an instance that EC2 lists."""

VALUE_LOST = "VALUE_LOST"
TAG_FAULTS = (ID_LOST, VALUE_LOST)
"""The ways in which a run may not read the tags of an instance."""

NOT_ASKED, UNPUBLISHED = "NOT_ASKED", "UNPUBLISHED"
TABLE_FAULTS = (NOT_ASKED, UNPUBLISHED)
"""The ways in which a run may have nothing at all of a secondary source."""

SECONDARY = ("patches", "instances", "tags")

PATCHES = ("KB1000001", "KB1000002", "openssl.x86_64")
PATCH_STATES = ("Missing", "Failed", "InstalledPendingReboot", "InstalledRejected", "AvailableSecurityUpdate")

KEYS = ("Owner", "Stage")
VALUES = ("shop", "data", "")

STOPPED, RUNNING, STARTED, OPERATED = "stopped", "running", "started", "operated"
INSTANCE_STATES: Mapping[str, Mapping[str, Any]] = {
    RUNNING: {},
    STOPPED: {"state": "stopped"},
    "starting": {"state": "pending"},
    STARTED: {},
    "of the future": {"launch_time": 2_000_000_000_000},
    OPERATED: {"operator_managed": True},
    "terminated": {"state": "terminated"},
}

PLATFORMS: tuple[Mapping[str, str], ...] = (
    {"platform_type": "Linux", "platform_name": "Ubuntu", "platform_version": "24.04"},
    {"platform_type": "Linux", "platform_name": "Bottlerocket"},
    {},
)
GROUPS = ("web", "db", "")
STATES: Mapping[str, Mapping[str, Any]] = {
    "compliant": {},
    "lacking": {"missing_count": 1},
    "stale": {"operation_end_time": 1_700_000_000_000},
    "ended before its start": {"operation_start_time": 2_000_000_000_000},
    "unreported": {"failed_count": None},
    "unscanned": {"collection_status": CollectionStatus.NO_PATCH_STATE},
}

_GAPS = ("nodes_not_collected", "nodes_invalid_response")

type Row = dict[str, Any]

type Faults = Mapping[tuple[int, int], str | None]
"""The fault of each run and target, or of each run and node, by their positions."""

type TableFaults = Mapping[tuple[int, str], str | None]
"""The fault of the whole table of each run and secondary source."""

type Patches = Mapping[str, str]
"""The state of each patch of a node, by the patch's id."""


@dataclass(frozen=True)
class InstanceLife:
    """The EC2 instance of a node: the runs that it is there in, and for each run its state and its tags."""

    arrives: int
    leaves: int
    states: tuple[str, ...]
    tags: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class NodeLife:
    """A node: its target, the runs that it is there in, and for each run its state, group, platform and patches.

    Attributes:
        instance: its EC2 instance, which may be there without the node; None for a hybrid node.
    """

    target: int
    arrives: int
    leaves: int
    states: tuple[str, ...]
    groups: tuple[str, ...]
    platforms: tuple[Mapping[str, str], ...]
    patches: tuple[Patches, ...]
    instance: InstanceLife | None = None

    def instance_id(self, number: int) -> str:
        """Return the id of the node of this number."""
        return f"{'mi' if self.instance is None else 'i'}-{number:08x}"


@dataclass(frozen=True)
class Blinding:
    """A part of a history that cannot be read.

    Attributes:
        patches: the fault of the patches of each run and node.
        listings: the fault of EC2's listing of instances of each run and target.
        instances: the fault of each run and instance, by its node.
        tag_listings: the fault of EC2's listing of tags.
        tags: the fault of the tags of each run and instance.
        tables: the fault of the whole table of each run and secondary source.
    """

    targets: Faults
    nodes: Faults
    patches: Faults
    listings: Faults
    instances: Faults
    tag_listings: Faults
    tags: Faults
    tables: TableFaults

    def reads(self, run: int, node: int, target: int) -> bool:
        """Whether a run reads a node."""
        return self.targets[run, target] is None and self.nodes[run, node] is None

    def reads_instance(self, run: int, node: int, target: int) -> bool:
        """Whether a run reads the instance of a node."""
        there = self.targets[run, target] != NOT_PLANNED and self.tables[run, "instances"] is None
        return there and self.listings[run, target] is None and self.instances[run, node] is None


@dataclass(frozen=True)
class History:
    """A fleet over some runs, and what of it was unreadable, at first and then in addition."""

    lives: tuple[NodeLife, ...]
    before: Blinding
    after: Blinding

    def tables(self, blinding: Blinding) -> dict[str, list[Row]]:
        """Return the rows of each table, of all runs, where this much could not be read."""
        tables: dict[str, list[Row]] = {name: [] for name in ("coverage", "patch_states", *SECONDARY)}
        for run, target in product(range(len(RUNS)), range(len(TARGETS))):
            if blinding.targets[run, target] == NOT_PLANNED:
                continue
            covered, nodes, patches = self._nodes(run, target, blinding)
            tables["patch_states"] += nodes
            found = {
                "patches": patches,
                "instances": self._instances(run, target, blinding),
                "tags": self._tags(run, target, blinding),
            }
            for source, (columns, rows) in found.items():
                fault = blinding.tables[run, source]
                if fault == NOT_ASKED:
                    continue
                covered |= {f"{source}_{name}": value for name, value in columns.items()}
                if fault == UNPUBLISHED:
                    # Another number than that of the rows that are there.
                    covered[f"{source}_rows"] = len(rows) + 1
                else:
                    tables[source] += rows
            tables["coverage"].append(covered)
        return tables

    def _nodes(self, run: int, target: int, blinding: Blinding) -> tuple[Row, list[Row], tuple[Row, list[Row]]]:
        """Return the coverage of a target, the rows of its nodes, and the coverage and the rows of their patches."""
        place = self._place(run, target)
        if fault := blinding.targets[run, target]:
            return listed(None, listing_status=fault, **place), [], ({"status": "PARTIAL", "rows": 0}, [])
        there = self._there(run, target)
        named = [node for node in there if blinding.nodes[run, node] != ID_LOST]
        nodes = [self._row(run, node, blinding.nodes[run, node]) for node in named]
        counts = {"rows_without_id": len(there) - len(named)} | {
            f"nodes_{status.lower()}": sum(row["collection_status"] == status for row in nodes)
            for status in CollectionStatus
        }
        patches = [patch for row in nodes for patch in self._patches(run, row, blinding)]
        gaps = counts["rows_without_id"] or any(map(counts.get, _GAPS)) or any(map(_is_gap, patches))
        status = {"status": "PARTIAL" if gaps else "COMPLETE", "rows": len(patches)}
        counts["listed_at"] = milliseconds(run_at(RUNS[run]))
        return listed(len(nodes), **counts, **place), nodes, (status, patches)

    def _instances(self, run: int, target: int, blinding: Blinding) -> tuple[Row, list[Row]]:
        if fault := blinding.listings[run, target]:
            return {"status": fault}, []
        there = self._instances_there(run, target)
        rows = []
        for number, life in there.items():
            columns = {**self._place(run, target), **INSTANCE_STATES[life.states[run]]}
            if life.states[run] == STARTED:
                columns["launch_time"] = milliseconds(run_at(RUNS[run]))
            fault = blinding.instances[run, number]
            if fault != ID_LOST:
                rows.append(instance(number, **columns | ({"state": None} if fault else {})))
        return {"status": "LISTED", "rows": len(rows), "rows_without_id": len(there) - len(rows)}, rows

    def _tags(self, run: int, target: int, blinding: Blinding) -> tuple[Row, list[Row]]:
        if fault := blinding.tag_listings[run, target]:
            return {"status": fault}, []
        rows, without_id = [], 0
        for number, life in self._instances_there(run, target).items():
            fault = blinding.tags[run, number]
            without_id += len(life.tags[run]) if fault == ID_LOST else 0
            if fault != ID_LOST:
                rows += [
                    tag(number, key, None if fault else value, **self._place(run, target))
                    for key, value in life.tags[run].items()
                ]
        return {"status": "LISTED", "rows": len(rows), "rows_without_id": without_id}, rows

    def _place(self, run: int, target: int) -> Row:
        account_id, region = TARGETS[target]
        return {"run_id": RUNS[run], "account_id": account_id, "region": region}

    def _there(self, run: int, target: int) -> list[int]:
        return [
            number
            for number, life in enumerate(self.lives)
            if life.target == target and life.arrives <= run < life.leaves
        ]

    def _instances_there(self, run: int, target: int) -> dict[int, InstanceLife]:
        return {
            number: life.instance
            for number, life in enumerate(self.lives)
            if life.target == target and life.instance and life.instance.arrives <= run < life.instance.leaves
        }

    def _patches(self, run: int, node: Row, blinding: Blinding) -> list[Row]:
        number = int(node["instance_id"].rpartition("-")[2], 16)
        if node["collection_status"] != CollectionStatus.COLLECTED:
            return []
        place = {name: node[name] for name in ("account_id", "region", "instance_id")}
        run_id = RUNS[run]
        there = self.lives[number].patches[run]
        match blinding.patches[run, number]:
            case None:
                rows = [patch(run_id, number, kb_id, state, **place) for kb_id, state in there.items()]
            case fault if fault == STATE_LOST:
                detail = "State: a reason"
                rows = [patch(run_id, number, kb_id, None, **place, collection_detail=detail) for kb_id in there]
            case fault:
                rows = [no_patch(run_id, number, fault, "a reason", **place)] if there else []
        return [{**row, "run_id": run_id} for row in rows]

    def _row(self, run: int, number: int, fault: str | None) -> Row:
        life = self.lives[number]
        account_id, region = TARGETS[life.target]
        row = collected(RUNS[run], number, account_id=account_id, region=region)
        row |= {"run_id": RUNS[run], "instance_id": life.instance_id(number), **life.platforms[run]}
        state = STATES[life.states[run]]
        lost = ATTRIBUTES_LOST.get(fault or "", {})
        if fault is not None and not lost:
            status = CollectionStatus.INVALID_RESPONSE if fault == DESCRIPTION_LOST else fault
            row = {name: value for name, value in row.items() if not name.endswith(("_count", "_time"))}
            row |= {"collection_status": status, "collection_detail": "a reason"}
            return row if fault != DESCRIPTION_LOST else {**row, **dict.fromkeys(PLATFORMS[0])}
        if life.states[run] == "unscanned":
            row = {name: value for name, value in row.items() if not name.endswith(("_count", "_time"))}
            return _without({**row, **state}, lost)
        seen = {**row, "patch_group": life.groups[run], "baseline_id": f"pb-{life.groups[run]}", **state}
        return _without(seen, lost)


def _without(row: Row, lost: Mapping[str, Any]) -> Row:
    """Return a row that lost these values; one that it does not have stays absent."""
    return row | {
        name: value for name, value in lost.items() if name == "collection_detail" or row.get(name) is not None
    }


def _is_gap(row: Row) -> bool:
    return row["collection_status"] in {CollectionStatus.NOT_COLLECTED, CollectionStatus.INVALID_RESPONSE}


def histories() -> st.SearchStrategy[History]:
    """Return random histories; plain random numbers find more in a few examples than ones that can be shrunk."""
    return st.randoms(use_true_random=True).map(_history)


def _history(random: Random) -> History:
    """Make a history: a little of it is unreadable at first, and more of it then, most of it in the newest run."""
    homes = [random.randrange(len(TARGETS)) for _ in range(NODES)]
    before = _blinding(random, homes, nothing(), often=0.05)
    after = _blinding(random, homes, before, often=0.3)
    return History(tuple(_life(random, node, homes[node], before, after) for node in range(NODES)), before, after)


def nothing() -> Blinding:
    """Return a blinding that hides nothing."""
    runs = range(len(RUNS))
    of_targets = dict.fromkeys(product(runs, range(len(TARGETS))), None)
    of_nodes = dict.fromkeys(product(runs, range(NODES)), None)
    return Blinding(
        targets=of_targets,
        nodes=of_nodes,
        patches=of_nodes,
        listings=of_targets,
        instances=of_nodes,
        tag_listings=of_targets,
        tags=of_nodes,
        tables=dict.fromkeys(product(runs, SECONDARY), None),
    )


def _blinding(random: Random, homes: Sequence[int], there: Blinding, *, often: float) -> Blinding:
    """Add faults to those that are there."""

    def fault(run: int, kinds: Sequence[str]) -> str | None:
        is_newest = run == len(RUNS) - 1
        return random.choice(kinds) if random.random() < (often if is_newest else 0.05) else None

    # The first run plans every target: no run knows of one that was never planned before.
    unplanned = (*REFUSALS, *(NOT_PLANNED for _ in REFUSALS))
    targets = {place: fault(place[0], unplanned if place[0] else REFUSALS) for place in there.targets}

    def more(old: Faults, kinds: Sequence[str]) -> Faults:
        return {place: fault(place[0], kinds) or was for place, was in old.items()}

    def more_of_rows(old: Faults, kinds: Sequence[str], kept: Sequence[str]) -> Faults:
        return {place: was if was in kept else worse(was, fault(place[0], kinds)) for place, was in old.items()}

    def worse(was: str | None, new: str | None) -> str | None:
        # A row that was not read at all must not become one that lacks a single value.
        return was if new is None or (was is not None and new in ATTRIBUTES_LOST) else new

    def places(of_rows: Faults, kept: Sequence[str]) -> set[tuple[int, int]]:
        return {(run, homes[node]) for (run, node), was in of_rows.items() if was in kept}

    nameless, stateless = places(there.nodes, [ID_LOST]), places(there.instances, INSTANCE_FAULTS)
    listings = more(there.listings, REFUSALS)
    tables = {place: random.choice(TABLE_FAULTS) if random.random() < 0.1 else None for place in there.tables}
    blind = {run for run, _ in stateless}
    return Blinding(
        targets={
            # A target that leaves the plan loses its instances too.
            place: old if place in nameless | stateless else targets[place] or old
            for place, old in there.targets.items()
        },
        nodes=more_of_rows(there.nodes, NODE_FAULTS, [ID_LOST]),
        patches=more(there.patches, PATCH_FAULTS),
        listings={place: old if place in stateless else listings[place] for place, old in there.listings.items()},
        instances=more_of_rows(there.instances, INSTANCE_FAULTS, INSTANCE_FAULTS),
        tag_listings=more(there.tag_listings, REFUSALS),
        tags=more_of_rows(there.tags, TAG_FAULTS, [ID_LOST]),
        tables={
            (run, source): old if source == "instances" and run in blind else tables[run, source] or old
            for (run, source), old in there.tables.items()
        },
    )


def _life(random: Random, node: int, target: int, before: Blinding, after: Blinding) -> NodeLife:
    runs = range(len(RUNS))
    arrivals = [run for run in runs if before.targets[run, target] is None and after.targets[run, target] is None]
    arrives = random.choice([*arrivals[:1] * 4, *arrivals] or [0])
    leaves = random.choice([len(RUNS)] * 6 + [*runs[arrives + 1 :], len(RUNS)])
    states = [random.choices(list(STATES), weights=(6, 3, 1, 1, 1, 1))[0] for _ in runs]
    groups, platforms = [random.choice(GROUPS)], [random.choice(PLATFORMS)]
    for run in runs[1:]:
        moves = before.reads(run, node, target) and after.reads(run, node, target) and random.random() < MOVES
        has_group = states[run] != "unscanned"
        groups.append(random.choice(GROUPS) if moves and has_group else groups[-1])
        platforms.append(random.choice(PLATFORMS) if moves else platforms[-1])
    patches = tuple(_patches(random) if state == "lacking" else {} for state in states)
    instance = _instance(random, node, target, before, after) if random.random() < IN_EC2 else None
    return NodeLife(target, arrives, leaves, tuple(states), tuple(groups), tuple(platforms), patches, instance)


def _instance(random: Random, node: int, target: int, before: Blinding, after: Blinding) -> InstanceLife:
    runs = range(len(RUNS))
    seen = [run for run in runs if all(each.reads_instance(run, node, target) for each in (before, after))]
    arrives = random.choice([*seen[:1] * 4, *seen] or [0])
    leaves = random.choice([len(RUNS)] * 6 + [*runs[arrives + 1 :], len(RUNS)])
    states = [_instance_state(random)]
    for run in runs[1:]:
        states.append(_instance_state(random) if run in seen and random.random() < MOVES else states[-1])
    tags = tuple({key: random.choice(VALUES) for key in KEYS if random.random() < 0.8} for _ in runs)
    return InstanceLife(arrives, leaves, tuple(states), tags)


def _instance_state(random: Random) -> str:
    return random.choices(list(INSTANCE_STATES), weights=(8, 2, 1, 1, 1, 1, 1))[0]


def _patches(random: Random) -> Patches:
    return {kb_id: random.choice(PATCH_STATES) for kb_id in random.sample(PATCHES, random.randint(1, len(PATCHES)))}
