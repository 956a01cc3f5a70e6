"""Mistakes in how the stages use the store: what was written once stays."""

from collections.abc import Callable
from typing import BinaryIO

from patchlake.errors import RetryableError
from tests.simulation.faults import Fault
from tests.simulation.mutants.mutant import MUTANTS, Mutant, Patch, mutant
from tests.simulation.mutants.provocations import (
    A_CLOSE_RACE,
    ANSWERS_OFTEN_LOST,
    OVERWRITTEN,
    PEOPLED,
    TWO_PLANS_AT_ONCE,
)
from tests.simulation.ports import SimulatedStore
from tests.simulation.provocation import struck_by


def _put_without_condition(patch: Patch, chosen: Callable[[SimulatedStore, str], bool]) -> None:
    create = SimulatedStore._create  # noqa: SLF001

    def put(store: SimulatedStore, key: str, body: bytes) -> bool:
        if not chosen(store, key):
            return create(store, key, body)
        store.calls.world.objects[key] = body
        return True

    patch.setattr(SimulatedStore, "_create", put)


for _prefix, _part, _name, _where in (
    ("plans/", "", "plan overwrites the stored plan", TWO_PLANS_AT_ONCE),
    ("runs/", "/shards/", "discover overwrites a stored shard", OVERWRITTEN),
    ("runs/", "/parts/", "collect overwrites a stored part", OVERWRITTEN),
    ("lake/", "/coverage/", "commit overwrites published coverage", OVERWRITTEN),
    ("lake/", "/patch_states/", "commit overwrites a published snapshot", OVERWRITTEN),
):

    def _overwrite(patch: Patch, prefix: str = _prefix, part: str = _part) -> None:
        _put_without_condition(patch, lambda _, key: key.startswith(prefix) and part in key)

    MUTANTS.append(Mutant(_name, "I4", _overwrite, _where))


@mutant("I4", "a tombstone overwrites what came just in time", A_CLOSE_RACE)
def _tombstones_win(patch: Patch) -> None:
    _put_without_condition(
        patch, lambda store, key: store.calls.world.acting.stage == "commit" and key.startswith("runs/")
    )


@mutant("L1", "412 is taken for an error", ANSWERS_OFTEN_LOST)
def _existing_is_an_error(patch: Patch) -> None:
    create = SimulatedStore.create

    def insist(store: SimulatedStore, key: str, body: bytes | BinaryIO) -> bool:
        if not create(store, key, body):
            raise RetryableError(key)
        return True

    patch.setattr(SimulatedStore, "create", insist)


@mutant("I8", "409 is taken for 412", PEOPLED & struck_by(Fault.CONFLICT))
def _conflict_means_existing(patch: Patch) -> None:
    create = SimulatedStore.create

    def give_up(store: SimulatedStore, key: str, body: bytes | BinaryIO) -> bool:
        try:
            return create(store, key, body)
        except RetryableError as error:
            if str(error) == Fault.CONFLICT:
                return False
            raise

    patch.setattr(SimulatedStore, "create", give_up)
