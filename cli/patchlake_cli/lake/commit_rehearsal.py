"""A rehearsal of commit for a run that is not published: its own stage, over a store and queues that keep nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from patchlake import __version__
from patchlake.core.keys import RUNS
from patchlake.core.messages import CommitMessage
from patchlake.core.plan import Plan
from patchlake.errors import NotReadyError
from patchlake.ports import Clock, Delivery, ParallelMap, Store, TableFormat
from patchlake.sources.registry import SOURCES
from patchlake.stages.commit import CommitStage
from patchlake.stages.stored_run import StoredRuns

REHEARSAL_SECONDS = 60
"""The shortest time between two rehearsals of a run without a flaw; commit itself looks at a run once a tick."""


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    """The result of a rehearsal.

    Attributes:
        passed: whether the run's detail deadline had passed, and its deadline: with the keys, these decide what commit
            does.
        keys: of the run.
        at: when it began.
        flaw: the object for which commit gives the run up and what is wrong with it, if there is one.
    """

    passed: tuple[bool, bool]
    keys: tuple[str, ...]
    at: datetime
    flaw: str | None

    def holds(self, passed: tuple[bool, bool], keys: tuple[str, ...], now: datetime) -> bool:
        """Whether it is not yet time for another one."""
        is_recent = self.flaw is None and now - self.at < timedelta(seconds=REHEARSAL_SECONDS)
        return self.passed == passed and (self.keys == keys or is_recent)


class CommitRehearsal:
    """The runs that commit gives up; one is read again once a deadline has passed, or later if its keys differ.

    While workers store objects, each look would read the whole run again.
    """

    def __init__(self, store: Store, tables: TableFormat, clock: Clock, parallel_map: ParallelMap) -> None:
        """Read nothing yet."""
        self._store = store
        self._tables = tables
        self._clock = clock
        self._parallel_map = parallel_map
        self._found: dict[str, _Rehearsed] = {}

    def flaw(self, plan: Plan) -> str | None:
        """Return the object for which commit gives the run up and what is wrong with it, if there is one.

        It reads every shard and part, as commit does; if others come meanwhile, there is none yet, and those that came
        in the last ``REHEARSAL_SECONDS`` may not have been read. Every error of the store is raised.
        """
        keys = self._keys(plan.run_id)
        now = self._clock.now()
        passed = (now >= plan.closes_details_at, now >= plan.deadline_at)
        known = self._found.get(plan.run_id)
        if known is None or not known.holds(passed, keys, now):
            flaw = self._rehearse(plan.run_id, keys)
            if flaw is not None and self._keys(plan.run_id) != keys:
                # A worker or commit went on meanwhile, and what they published may differ from the rehearsal.
                return None
            known = self._found[plan.run_id] = _Rehearsed(passed, keys, now, flaw)
        return known.flaw

    def _keys(self, run_id: str) -> tuple[str, ...]:
        return tuple(self._store.keys(f"{RUNS}{run_id}/"))

    def _rehearse(self, run_id: str, keys: Iterable[str]) -> str | None:
        queue = _NoQueue()
        commit = CommitStage(
            runs=StoredRuns(_RehearsalStore(self._store, keys), self._tables, SOURCES, self._parallel_map),
            source_queues=dict.fromkeys((source.name for source in SOURCES.sources), queue),
            commit_queue=queue,
            clock=self._clock,
            tick_seconds=60,
            max_lateness_seconds=0,
            deadline_seconds=0,
            version=__version__,
        )
        try:
            return commit.handle(CommitMessage(run_id=run_id), Delivery("", "", 1)).detail
        except NotReadyError:
            return None


class _RehearsalStore:
    """A store with these shards and parts, which workers do not add to meanwhile, and with tombstones of its own."""

    def __init__(self, store: Store, keys: Iterable[str]) -> None:
        self._store = store
        self._keys = set(keys)
        self._tombstones: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        if key in self._tombstones:
            return self._tombstones[key]
        return self._store.get(key) if key in self._keys or not key.startswith(RUNS) else None

    def exists(self, key: str) -> bool:
        return self._store.exists(key)

    def create(self, key: str, body: bytes | BinaryIO) -> bool:
        if isinstance(body, bytes):
            self._tombstones[key] = body
            return True
        return not self._store.exists(key)

    def keys(self, prefix: str) -> Iterable[str]:
        return sorted(key for key in self._keys | self._tombstones.keys() if key.startswith(prefix))


class _NoQueue:
    name = ""

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        pass

    def defer(self, delivery: Delivery, seconds: int) -> None:
        pass

    def dead_letter(self, delivery: Delivery) -> None:
        pass
