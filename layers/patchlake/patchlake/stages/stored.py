"""What earlier stages stored, read the same way by every later one."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from patchlake.core.keys import plan_key, shard_key, snapshot_key
from patchlake.core.listing import RunTarget, read_listing
from patchlake.core.plan import Plan, decode_plan
from patchlake.core.run import milliseconds
from patchlake.core.tables import ListingStatus
from patchlake.core.targets import Target
from patchlake.errors import InputError, IntegrityError
from patchlake.ports import Store, TableFile, TableFormat


class Step(StrEnum):
    """What handling a message came to."""

    STORED = "STORED"
    """Its object was made by this very call."""
    ADOPTED = "ADOPTED"
    """Its object was there, or came from another worker at the same time."""
    LATE = "LATE"
    """The run is published: nothing was done."""


def is_published(store: Store, run_id: str) -> bool:
    """Whether the run's snapshot exists: then nothing about the run can change any more."""
    return store.exists(snapshot_key(run_id))


def stored_plan(store: Store, run_id: str) -> Plan:
    """Return the plan that a message's run must have.

    Raises:
        InputError: there is none, so the message cannot be ours.
    """
    body = store.get(plan_key(run_id))
    if body is None:
        msg = f"run {run_id}: there is no {plan_key(run_id)}, so the message is refused"
        raise InputError(msg)
    return decode_plan(body, run_id)


def run_target_of(plan: Plan, target: Target) -> RunTarget:
    """Return what the rows of a target begin with."""
    return RunTarget(plan.run_id, milliseconds(plan.run_at), target)


@contextmanager
def about(key: str) -> Iterator[None]:
    """Put an object's key before whatever is found wrong with it."""
    try:
        yield
    except IntegrityError as error:
        msg = f"{key}: {error}"
        raise IntegrityError(msg) from error


def open_table(tables: TableFormat, key: str, body: bytes | None) -> TableFile:
    """Open a stored table, about its key where it cannot be.

    Raises:
        IntegrityError: it is absent or damaged.
    """
    with about(key):
        if body is None:
            msg = "the object existed and is gone; objects of a run must not be deleted before it is published"
            raise IntegrityError(msg)
        return tables.open(body)


def open_shard(tables: TableFormat, run_target: RunTarget, body: bytes | None) -> TableFile:
    """Open the shard of ``run_target``.

    Raises:
        IntegrityError: it is absent, damaged, another target's, or holds nodes without being listed.
    """
    key = shard_key(run_target.run_id, run_target.target)
    shard = open_table(tables, key, body)
    listing = read_listing(run_target, shard.metadata)
    if shard.row_counts and listing.status is not ListingStatus.LISTED:
        msg = f"{key}: it holds nodes and says {listing.status}"
        raise IntegrityError(msg)
    return shard


def create_or_adopt(store: Store, key: str, body: bytes) -> tuple[bytes, Step]:
    """Create an object; return what its key holds from now on, which may be another writer's.

    Raises:
        IntegrityError: the store refused to create it and does not have it.
    """
    if store.create(key, body):
        return body, Step.STORED
    adopted = store.get(key)
    if adopted is None:
        msg = f"{key}: the store says that it exists and does not have it"
        raise IntegrityError(msg)
    return adopted, Step.ADOPTED
