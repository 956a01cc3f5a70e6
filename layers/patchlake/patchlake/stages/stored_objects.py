"""Shards and parts as they are stored: opened with every check, and created without ever replacing another."""

from collections.abc import Iterator
from contextlib import contextmanager

from patchlake.core.keys import shard_key
from patchlake.core.listing import read_listing
from patchlake.core.statuses import ListingStatus
from patchlake.core.targets import RunTarget
from patchlake.errors import InputError, IntegrityError
from patchlake.ports import Store, TableFile, TableFormat
from patchlake.sources.source import ListingSource
from patchlake.stages.step import Step


@contextmanager
def about(key: str) -> Iterator[None]:
    """Put an object's key before any error about it."""
    try:
        yield
    except IntegrityError as error:
        msg = f"{key}: {error}"
        raise IntegrityError(msg) from error


def required(store: Store, run_id: str, key: str) -> bytes:
    """Return an object that must exist before patchlake sends a message about it.

    Raises:
        InputError: it does not: the store lost it, or patchlake did not send the message.
    """
    body = store.get(key)
    if body is None:
        msg = (
            f"run {run_id}: there is no {key}, so the message is refused: the object is stored before any message "
            "about it, so the store lost it, or another program sent the message"
        )
        raise InputError(msg)
    return body


def open_table(tables: TableFormat, key: str, body: bytes | None) -> TableFile:
    """Open a stored table; errors name its key.

    Raises:
        IntegrityError: it is absent or damaged.
    """
    with about(key):
        if body is None:
            msg = "the object existed and is gone; objects of a run must not be deleted before it is published"
            raise IntegrityError(msg)
        return tables.open(body)


def open_shard(tables: TableFormat, source: ListingSource, run_target: RunTarget, body: bytes | None) -> TableFile:
    """Open a target's shard.

    Raises:
        IntegrityError: it is absent, damaged, another source's or target's, or holds rows without being listed.
    """
    key = shard_key(run_target.run_id, run_target.target, source.name)
    shard = open_table(tables, key, body)
    with about(key):
        listing = read_listing(run_target, shard.metadata, source.name)
        if shard.row_counts and listing.status is not ListingStatus.LISTED:
            msg = f"it holds rows, but its status is {listing.status}"
            raise IntegrityError(msg)
    return shard


def create_or_adopt(store: Store, key: str, body: bytes) -> tuple[bytes, Step]:
    """Create an object; return the object under its key, which may be another writer's.

    Raises:
        IntegrityError: the store refused to create it and does not have it.
    """
    if store.create(key, body):
        return body, Step.STORED
    adopted = store.get(key)
    if adopted is None:
        msg = f"{key}: the store reports that it exists, but does not return it"
        raise IntegrityError(msg)
    return adopted, Step.ADOPTED
