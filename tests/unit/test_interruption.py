"""Ctrl-C during an export."""

import pytest

from patchlake.adapters.memory import MemoryStore
from patchlake.core.keys import snapshot_key
from patchlake.errors import RetryableError
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.export.interruption import saying_what_is_stored
from patchlake_cli.lake.location import LakeLocation
from tests.world import RUN_ID

NOT_FINISHED = f"interrupted: run {RUN_ID} is not finished; the same command continues it"


class UnreachableStore(MemoryStore):
    def exists(self, key: str) -> bool:
        raise RetryableError(f"{key}: no network")


def said(store: MemoryStore) -> str:
    with pytest.raises(CommandError) as interrupted, saying_what_is_stored(store, RUN_ID, LakeLocation("lake")):
        raise KeyboardInterrupt
    assert interrupted.value.exit_code is ExitCode.INTERRUPTED
    return str(interrupted.value)


def test_a_run_without_a_snapshot_is_not_finished() -> None:
    assert said(MemoryStore()) == NOT_FINISHED


def test_a_run_with_a_snapshot_is_published() -> None:
    store = MemoryStore()
    store.create(snapshot_key(RUN_ID), b"")

    assert said(store) == f"interrupted: run {RUN_ID} is published; `patchlake report --lake lake` shows it"


def test_a_run_whose_lake_does_not_answer_is_not_said_to_be_published() -> None:
    assert said(UnreachableStore()) == NOT_FINISHED
