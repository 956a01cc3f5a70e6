"""Random histories of a small fleet, written twice: as it was read, and with more of it unreadable.

The unread part neither grows nor moves: a node arrives, or changes its patch group or platform, only in a run that
reads it in both lakes, and a listing that has a row without an id is as readable in both. Under that condition no lower
bound may rise. States change in any way, and nodes leave at any time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

from hypothesis import strategies as st

from patchlake.core.statuses import CollectionStatus, ListingStatus
from tests.analytics.synthetic import collected, listed, no_patch, patch

RUNS = ("20261109T060000Z", "20261110T060000Z", "20261111T060000Z")
TARGETS = (("111122223333", "eu-central-1"), ("111122223333", "us-east-1"), ("222233334444", "eu-central-1"))
NODES = 12
MOVES = 0.2
"""The chance that a node changes its patch group or platform in a run that may see it."""

NOT_PLANNED = "TARGET_NOT_PLANNED"
DESCRIPTION_LOST = "DESCRIPTION_LOST"
ID_LOST = "ID_LOST"

REFUSALS = tuple(sorted(set(ListingStatus) - {ListingStatus.LISTED, ListingStatus.ACCOUNT_NOT_ACTIVE}))
"""The ways in which a run may not read a target; an account that is not active has no nodes that count."""

NODE_FAULTS = (CollectionStatus.NOT_COLLECTED, CollectionStatus.INVALID_RESPONSE, DESCRIPTION_LOST, ID_LOST)
"""The ways in which a run may not read a node that it lists: one loses its platform too, the last is a row without an
id, which no snapshot has."""

STATE_LOST = "STATE_LOST"
PATCH_FAULTS = (CollectionStatus.NOT_COLLECTED, CollectionStatus.INVALID_RESPONSE, STATE_LOST)
"""The ways in which a run may not read the patches of a node; one loses the state of each."""

NOT_ASKED, UNPUBLISHED = "NOT_ASKED", "UNPUBLISHED"
TABLE_FAULTS = (NOT_ASKED, UNPUBLISHED)
"""The ways in which a run may have no patches at all."""

PATCHES = ("KB1000001", "KB1000002", "openssl.x86_64")
PATCH_STATES = ("Missing", "Failed", "InstalledPendingReboot", "InstalledRejected", "AvailableSecurityUpdate")

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
    "unreported": {"failed_count": None},
    "unscanned": {"collection_status": CollectionStatus.NO_PATCH_STATE},
}

_GAPS = ("nodes_not_collected", "nodes_invalid_response")

type Row = dict[str, Any]

type Faults = Mapping[tuple[int, int], str | None]
"""The fault of each run and target, or of each run and node, by their positions."""

type Patches = Mapping[str, str]
"""The state of each patch of a node, by the patch's id."""


@dataclass(frozen=True)
class NodeLife:
    """A node: its target, the runs that it is there in, and for each run its state, group, platform and patches."""

    target: int
    arrives: int
    leaves: int
    states: tuple[str, ...]
    groups: tuple[str, ...]
    platforms: tuple[Mapping[str, str], ...]
    patches: tuple[Patches, ...]


@dataclass(frozen=True)
class Blinding:
    """A part of a history that cannot be read.

    Attributes:
        patches: the fault of the patches of each run and node.
        tables: the fault of the whole table of patches of each run.
    """

    targets: Faults
    nodes: Faults
    patches: Faults
    tables: Mapping[int, str | None]

    def reads(self, run: int, node: int, target: int) -> bool:
        """Whether a run reads a node."""
        return self.targets[run, target] is None and self.nodes[run, node] is None


@dataclass(frozen=True)
class History:
    """A fleet over some runs, and what of it was unreadable, at first and then in addition."""

    lives: tuple[NodeLife, ...]
    before: Blinding
    after: Blinding

    def tables(self, blinding: Blinding) -> dict[str, list[Row]]:
        """Return the rows of each table, of all runs, where this much could not be read."""
        coverage: list[Row] = []
        states: list[Row] = []
        patches: list[Row] = []
        for run, run_id in enumerate(RUNS):
            for target, (account_id, region) in enumerate(TARGETS):
                fault = blinding.targets[run, target]
                if fault == NOT_PLANNED:
                    continue
                there = [] if fault else self._nodes(run, target)
                named = [node for node in there if blinding.nodes[run, node] != ID_LOST]
                nodes = [self._row(run, node, blinding.nodes[run, node]) for node in named]
                counts = {"rows_without_id": len(there) - len(named)} | {
                    f"nodes_{status.lower()}": sum(row["collection_status"] == status for row in nodes)
                    for status in CollectionStatus
                }
                place = {"run_id": run_id, "account_id": account_id, "region": region}
                found = [row for row in nodes for row in self._patches(run, row, blinding)]
                gaps = fault or counts["rows_without_id"] or any(map(counts.get, _GAPS)) or any(map(_is_gap, found))
                if blinding.tables[run] != NOT_ASKED:
                    counts["patches_rows"] = len(found)
                    place["patches_status"] = "PARTIAL" if gaps else "COMPLETE"
                if blinding.tables[run] is None:
                    patches += found
                coverage.append(
                    listed(None, listing_status=fault, **place) if fault else listed(len(nodes), **counts, **place)
                )
                states += nodes
        return {"coverage": coverage, "patch_states": states, "patches": patches}

    def _nodes(self, run: int, target: int) -> list[int]:
        return [
            number
            for number, life in enumerate(self.lives)
            if life.target == target and life.arrives <= run < life.leaves
        ]

    def _patches(self, run: int, node: Row, blinding: Blinding) -> list[Row]:
        number = int(node["instance_id"].removeprefix("i-"), 16)
        if node["collection_status"] != CollectionStatus.COLLECTED:
            return []
        place = {name: node[name] for name in ("account_id", "region")}
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
        row |= {"run_id": RUNS[run], **life.platforms[run]}
        state = STATES[life.states[run]]
        if fault is not None:
            status = CollectionStatus.INVALID_RESPONSE if fault == DESCRIPTION_LOST else fault
            row = {name: value for name, value in row.items() if not name.endswith(("_count", "_time"))}
            row |= {"collection_status": status, "collection_detail": "a reason"}
            return row if fault != DESCRIPTION_LOST else {**row, **dict.fromkeys(PLATFORMS[0])}
        if life.states[run] == "unscanned":
            row = {name: value for name, value in row.items() if not name.endswith(("_count", "_time"))}
            return {**row, **state}
        return {**row, "patch_group": life.groups[run], "baseline_id": f"pb-{life.groups[run]}", **state}


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
    of_nodes = dict.fromkeys(product(runs, range(NODES)), None)
    return Blinding(
        dict.fromkeys(product(runs, range(len(TARGETS))), None), of_nodes, of_nodes, dict.fromkeys(runs, None)
    )


def _blinding(random: Random, homes: Sequence[int], there: Blinding, *, often: float) -> Blinding:
    """Add faults to those that are there."""

    def fault(run: int, kinds: Sequence[str]) -> str | None:
        is_newest = run == len(RUNS) - 1
        return random.choice(kinds) if random.random() < (often if is_newest else 0.05) else None

    nameless = {(run, homes[node]) for (run, node), lost in there.nodes.items() if lost == ID_LOST}
    # The first run plans every target: no run knows of one that was never planned before.
    unplanned = (*REFUSALS, *(NOT_PLANNED for _ in REFUSALS))
    targets = {place: fault(place[0], unplanned if place[0] else REFUSALS) for place in there.targets}
    nodes = {place: fault(place[0], NODE_FAULTS) for place in there.nodes}
    patches = {place: fault(place[0], PATCH_FAULTS) for place in there.patches}
    tables = {run: random.choice(TABLE_FAULTS) if random.random() < 0.1 else None for run in there.tables}
    return Blinding(
        {place: old if place in nameless else targets[place] or old for place, old in there.targets.items()},
        {place: old if old == ID_LOST else nodes[place] or old for place, old in there.nodes.items()},
        {place: patches[place] or old for place, old in there.patches.items()},
        {run: tables[run] or old for run, old in there.tables.items()},
    )


def _life(random: Random, node: int, target: int, before: Blinding, after: Blinding) -> NodeLife:
    runs = range(len(RUNS))
    arrivals = [run for run in runs if before.targets[run, target] is None and after.targets[run, target] is None]
    arrives = random.choice([*arrivals[:1] * 4, *arrivals] or [0])
    leaves = random.choice([len(RUNS)] * 6 + [*runs[arrives + 1 :], len(RUNS)])
    states = [random.choices(list(STATES), weights=(6, 3, 1, 1, 1))[0] for _ in runs]
    groups, platforms = [random.choice(GROUPS)], [random.choice(PLATFORMS)]
    for run in runs[1:]:
        moves = before.reads(run, node, target) and after.reads(run, node, target) and random.random() < MOVES
        has_group = states[run] != "unscanned"
        groups.append(random.choice(GROUPS) if moves and has_group else groups[-1])
        platforms.append(random.choice(PLATFORMS) if moves else platforms[-1])
    patches = tuple(_patches(random) if state == "lacking" else {} for state in states)
    return NodeLife(target, arrives, leaves, tuple(states), tuple(groups), tuple(platforms), patches)


def _patches(random: Random) -> Patches:
    return {kb_id: random.choice(PATCH_STATES) for kb_id in random.sample(PATCHES, random.randint(1, len(PATCHES)))}
