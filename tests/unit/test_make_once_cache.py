"""The bounded cache of clients and sessions, used by many threads."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from patchlake.adapters.make_once_cache import MakeOnceCache

PATIENCE_SECONDS = 20


def test_what_was_used_last_is_kept_and_what_was_not_is_discarded() -> None:
    discarded: list[str] = []
    recent: MakeOnceCache[int, str] = MakeOnceCache(2, discarded.append)
    for key in (1, 2, 1, 3):
        recent.get(key, lambda key=key: f"made for {key}")  # type: ignore[misc]

    assert discarded == ["made for 2"]
    assert recent.get(1, lambda: "made again") == "made for 1"
    assert recent.get(2, lambda: "made again") == "made again"


def test_a_value_is_made_once_for_all_threads() -> None:
    recent: MakeOnceCache[str, object] = MakeOnceCache(2)
    made: list[object] = []
    begun = Event()

    def make() -> object:
        begun.wait(PATIENCE_SECONDS)
        made.append(object())
        return made[-1]

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(recent.get, "key", make) for _ in range(8)]
        begun.set()

    assert {id(future.result()) for future in waiting} == {id(made[0])}
    assert len(made) == 1


def test_nobody_waits_while_another_value_is_made() -> None:
    recent: MakeOnceCache[int, int] = MakeOnceCache(4)
    together = Barrier(4)

    with ThreadPoolExecutor(4) as pool:
        values = list(pool.map(lambda key: recent.get(key, lambda: together.wait(PATIENCE_SECONDS)), range(4)))

    assert sorted(values) == [0, 1, 2, 3]


def test_what_could_not_be_made_is_tried_again() -> None:
    recent: MakeOnceCache[str, int] = MakeOnceCache(2)

    with pytest.raises(ZeroDivisionError):
        recent.get("key", lambda: 1 // 0)

    assert recent.get("key", lambda: 7) == 7


def test_only_the_value_that_is_still_there_is_forgotten() -> None:
    discarded: list[object] = []
    recent: MakeOnceCache[str, object] = MakeOnceCache(2, discarded.append)
    first = recent.get("key", object)

    recent.forget("key", first)
    second = recent.get("key", object)
    recent.forget("key", first)
    recent.forget("another key", first)

    assert recent.get("key", object) is second
    assert discarded == [first]
