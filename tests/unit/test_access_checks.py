"""The checks of a target, of a lake's folder, and of its store."""

import errno
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from patchlake.adapters.memory import MemoryApi, MemoryStore
from patchlake.core.records import InvalidRow, Page, Record
from patchlake.core.timings import LISTING_PAUSE_SECONDS
from patchlake.errors import RefusedError, RetryableError, ThrottledError
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.registry import SOURCES
from patchlake.sources.source import Operation, Source
from patchlake_cli.access.checks import check_folder, check_store, check_targets
from tests.world import EU, RUN_ID, World


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return everything in a folder, with the contents of the files."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake with an object under the key that the check uses elsewhere."""
    for key in ("plans/absent.json", "runs/a/b", "lake/coverage/run_date=2026-11-01/c"):
        path = tmp_path / "lake" / key
        path.parent.mkdir(parents=True)
        path.write_text(key)
    return tmp_path / "lake"


def test_a_folder_that_can_be_written_is_left_as_it_was(lake: Path) -> None:
    before = tree(lake)

    assert check_folder(lake) is None
    assert tree(lake) == before


def test_a_lake_that_is_not_there_yet_is_not_created(tmp_path: Path) -> None:
    assert check_folder(tmp_path / "a" / "b") is None
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(("function", "code"), [("link", errno.EPERM), ("fsync", errno.ENOSPC), ("mkdir", errno.EROFS)])
def test_a_folder_that_an_export_could_not_write_is_found(
    monkeypatch: pytest.MonkeyPatch, lake: Path, function: str, code: int
) -> None:
    before = tree(lake)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, function, refuse)
    found = check_folder(lake)

    assert found is not None
    assert found.startswith(f"cannot write to {lake}: ")
    assert os.strerror(code) in found
    assert tree(lake) == before


@pytest.mark.parametrize("closed", ["plans", "runs", "lake", "lake/coverage"])
def test_a_folder_of_a_lake_that_is_closed_is_named(monkeypatch: pytest.MonkeyPatch, lake: Path, closed: str) -> None:
    # A superuser may write everywhere, so the answer of the system is replaced.
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != lake / closed)

    assert check_folder(lake) == f"cannot write to {lake / closed}: permission denied, or a read-only file system"


def test_a_listing_that_begins_well_and_never_ends_is_found() -> None:
    class Endless(MemoryStore):
        def keys(self, prefix: str) -> Iterator[str]:
            yield f"{prefix}{RUN_ID}.json"
            raise RetryableError("it has not ended")

    assert str(check_store(Endless())) == "it has not ended"
    assert check_store(MemoryStore()) is None


@pytest.mark.parametrize("nodes", [0, 1])
def test_a_target_whose_node_ssm_does_not_know_works(nodes: int) -> None:
    def refuse(operation: str) -> None:
        if operation == PATCH_STATES.operation.name:
            raise RefusedError("NOT_LISTED", "InvalidInstanceIdException", "no such node", operation)

    world = World()
    world.add_nodes(EU, range(nodes))
    world.apis.of(EU).before_call = refuse

    [found] = check_targets(world.plan.new_plan(RUN_ID), world.apis)

    assert (found.works, found.read_patch_states, found.detail) == (True, "ok", None)


class Throttling:
    """A target that throttles an operation for its first calls."""

    def __init__(self, operation: str, calls: float) -> None:
        self.operation = operation
        self.left = calls

    def __call__(self, operation: str) -> None:
        if operation == self.operation and self.left:
            self.left -= 1
            raise ThrottledError("slow down")


@pytest.mark.parametrize("source", SOURCES.sources, ids=lambda source: source.name)
def test_a_target_that_throttles_is_asked_again_as_by_an_export(source: Source) -> None:
    world = World()
    world.add_nodes(EU, [1])
    world.apis.of(EU).before_call = Throttling(source.operation.name, calls=2)
    pauses: list[float] = []

    [found] = check_targets(world.plan.new_plan(RUN_ID), world.apis, pauses.append)

    assert (found.works, found.detail) == (True, None)
    assert [0.5 <= pauses[0] <= 1.5, 1 <= pauses[1] <= 3, len(pauses)] == [True, True, 2]


def test_a_target_that_throttles_on_and_on_is_told_as_that() -> None:
    world = World()
    world.add_nodes(EU, [1])
    world.apis.of(EU).before_call = Throttling(PATCH_STATES.operation.name, calls=math.inf)
    pauses: list[float] = []

    [found] = check_targets(world.plan.new_plan(RUN_ID), world.apis, pauses.append)

    assert (found.works, found.list_nodes, found.read_patch_states) == (False, "ok", "failed")
    assert found.detail == f"slow down (throttled for {sum(pauses):.0f} seconds)"
    assert LISTING_PAUSE_SECONDS / 2 < sum(pauses) <= LISTING_PAUSE_SECONDS


def test_a_listing_with_rows_without_an_id_does_not_work() -> None:
    class Nameless(MemoryApi):
        def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
            page = super().page(operation, ids, token)
            return page if ids else replace(page, rows=[*page.rows, InvalidRow(None, "NO_ID")])

    world = World()
    world.apis.targets[EU] = Nameless(world.clock, world.apis.call_counter)
    world.add_nodes(EU, [1])

    [found] = check_targets(world.plan.new_plan(RUN_ID), world.apis)

    assert (found.works, found.list_nodes, found.read_patch_states) == (False, "failed", "-")
    assert found.detail == (
        "DescribeInstanceInformation: rows without an id: 1 of the first 2. An export counts them in rows_without_id, "
        "and is PARTIAL"
    )
