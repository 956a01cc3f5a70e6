"""Random histories of a small fleet, written twice: as it was read, and with more of it unreadable.

The unread part neither grows nor moves: a node arrives, or changes its patch group or platform, only in a run that
reads it in both lakes. Under that condition no lower bound may rise. States change in any way, and nodes leave at any
time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

from hypothesis import strategies as st

from patchlake.core.statuses import CollectionStatus, ListingStatus
from tests.analytics.synthetic import collected, listed

RUNS = ("20261109T060000Z", "20261110T060000Z", "20261111T060000Z")
TARGETS = (("111122223333", "eu-central-1"), ("111122223333", "us-east-1"), ("222233334444", "eu-central-1"))
NODES = 12
MOVES = 0.2
"""The chance that a node changes its patch group or platform in a run that may see it."""

NOT_PLANNED = "TARGET_NOT_PLANNED"
DESCRIPTION_LOST = "DESCRIPTION_LOST"

REFUSALS = tuple(sorted(set(ListingStatus) - {ListingStatus.LISTED, ListingStatus.ACCOUNT_NOT_ACTIVE}))
"""The ways in which a run may not read a target; an account that is not active has no nodes that count."""

NODE_FAULTS = (CollectionStatus.NOT_COLLECTED, CollectionStatus.INVALID_RESPONSE, DESCRIPTION_LOST)
"""The ways in which a run may not read a node that it lists; the last loses its platform too."""

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

type Row = dict[str, Any]

type Faults = Mapping[tuple[int, int], str | None]
"""The fault of each run and target, or of each run and node, by their positions."""


@dataclass(frozen=True)
class NodeLife:
    """A node: its target, the runs that it is there in, and for each run its state, patch group and platform."""

    target: int
    arrives: int
    leaves: int
    states: tuple[str, ...]
    groups: tuple[str, ...]
    platforms: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Blinding:
    """A part of a history that cannot be read."""

    targets: Faults
    nodes: Faults

    def reads(self, run: int, node: int, target: int) -> bool:
        """Whether a run reads a node."""
        return self.targets[run, target] is None and self.nodes[run, node] is None


@dataclass(frozen=True)
class History:
    """A fleet over some runs, and what of it was unreadable, at first and then in addition."""

    lives: tuple[NodeLife, ...]
    before: Blinding
    after: Blinding

    def rows(self, blinding: Blinding) -> tuple[list[Row], list[Row]]:
        """Return the rows of coverage and of patch_states of all runs, where this much could not be read."""
        coverage: list[Row] = []
        states: list[Row] = []
        for run, run_id in enumerate(RUNS):
            for target, (account_id, region) in enumerate(TARGETS):
                fault = blinding.targets[run, target]
                if fault == NOT_PLANNED:
                    continue
                nodes = [] if fault else self._nodes(run, target, blinding)
                counts = {
                    f"nodes_{status.lower()}": sum(row["collection_status"] == status for row in nodes)
                    for status in CollectionStatus
                }
                place = {"run_id": run_id, "account_id": account_id, "region": region}
                coverage.append(
                    listed(None, listing_status=fault, **place) if fault else listed(len(nodes), **counts, **place)
                )
                states += nodes
        return coverage, states

    def _nodes(self, run: int, target: int, blinding: Blinding) -> list[Row]:
        return [
            self._row(run, number, blinding.nodes[run, number])
            for number, life in enumerate(self.lives)
            if life.target == target and life.arrives <= run < life.leaves
        ]

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


def histories() -> st.SearchStrategy[History]:
    """Return random histories; plain random numbers find more in a few examples than ones that can be shrunk."""
    return st.randoms(use_true_random=True).map(_history)


def _history(random: Random) -> History:
    """Make a history: a little of it is unreadable at first, and more of it then, most of it in the newest run."""
    before = _blinding(random, {}, {}, often=0.05)
    after = _blinding(random, before.targets, before.nodes, often=0.3)
    return History(tuple(_life(random, node, before, after) for node in range(NODES)), before, after)


def _blinding(random: Random, targets: Faults, nodes: Faults, *, often: float) -> Blinding:
    """Add faults to those that are there."""

    def fault(run: int, kinds: Sequence[str]) -> str | None:
        is_newest = run == len(RUNS) - 1
        return random.choice(kinds) if random.random() < (often if is_newest else 0.05) else None

    # The first run plans every target: no run knows of one that was never planned before.
    unplanned = (*REFUSALS, *(NOT_PLANNED for _ in REFUSALS))
    return Blinding(
        {
            (run, target): fault(run, unplanned if run else REFUSALS) or targets.get((run, target))
            for run, target in product(range(len(RUNS)), range(len(TARGETS)))
        },
        {
            (run, node): fault(run, NODE_FAULTS) or nodes.get((run, node))
            for run, node in product(range(len(RUNS)), range(NODES))
        },
    )


def _life(random: Random, node: int, before: Blinding, after: Blinding) -> NodeLife:
    runs = range(len(RUNS))
    target = random.randrange(len(TARGETS))
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
    return NodeLife(target, arrives, leaves, tuple(states), tuple(groups), tuple(platforms))
