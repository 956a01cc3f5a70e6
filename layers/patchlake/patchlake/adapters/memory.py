"""Store, queue, tables and SSM in memory: for tests, the simulator, and runs in one process.

They keep the same contracts as the AWS adapters, checked by the same tests.
"""

import io
import itertools
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import BinaryIO, Protocol

import msgspec

from patchlake.core.call_counter import CallCounter
from patchlake.core.plan import Plan
from patchlake.core.ready_types import ready
from patchlake.core.records import Page, Record
from patchlake.core.tables import Columns, Table
from patchlake.core.targets import Target
from patchlake.errors import IntegrityError, RestartError
from patchlake.ports import Delivery, TableFile
from patchlake.sources.source import Operation


@dataclass
class MemoryClock:
    """A clock that stands still until it is moved."""

    at: datetime

    def begin(self) -> None:
        """Begin an invocation; the time of this clock is never in doubt."""

    def now(self) -> datetime:
        """Return the time, in whole seconds."""
        return self.at.astimezone(UTC).replace(microsecond=0)

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.at += timedelta(seconds=seconds)


@dataclass
class MemoryStore:
    """Objects in a dictionary."""

    objects: dict[str, bytes] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def get(self, key: str) -> bytes | None:
        """Return the object's bytes; None if it does not exist."""
        return self.objects.get(key)

    def exists(self, key: str) -> bool:
        """Whether the object exists."""
        return key in self.objects

    def create(self, key: str, body: bytes | BinaryIO) -> bool:
        """Create the object; return False if it exists already."""
        content = body if isinstance(body, bytes) else body.read()
        with self._lock:
            if key in self.objects:
                return False
            self.objects[key] = content
            return True

    def keys(self, prefix: str) -> Iterator[str]:
        """List keys, in ascending order."""
        with self._lock:
            return iter(sorted(key for key in self.objects if key.startswith(prefix)))


class QueueTime(Protocol):
    """The time by which a queue hides messages: a test's clock, or a running one."""

    @property
    def at(self) -> datetime:
        """The time."""
        ...


@dataclass
class _Message:
    body: str
    group: str
    visible_at: datetime
    receive_count: int = 0


@dataclass
class MemoryQueue:
    """A queue with the clock's time; after ``max_receive_count`` receives a message becomes a dead letter.

    Attributes:
        name: the queue's name in a delivery.
        messages: queued or received, by message id, in the order of sending.
        dead: the bodies of the dead letters.
    """

    clock: QueueTime
    visibility_seconds: int
    max_receive_count: int
    name: str = ""
    messages: dict[int, _Message] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=itertools.count, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        """Queue every message."""
        with self._lock:
            for body, group in messages:
                self.messages[next(self._ids)] = _Message(body, group, self.clock.at)

    def receive(self, except_groups: Container[str] = ()) -> Delivery | None:
        """Receive the first visible message and hide it for the queue's visibility; None if there is none.

        Args:
            except_groups: groups whose messages stay in the queue.
        """
        with self._lock:
            while (message_id := self._first_visible(except_groups)) is not None:
                message = self.messages[message_id]
                if message.receive_count >= self.max_receive_count:
                    self.dead.append(self.messages.pop(message_id).body)
                    continue
                message.receive_count += 1
                message.visible_at = self.clock.at + timedelta(seconds=self.visibility_seconds)
                return Delivery(message.body, str(message_id), message.receive_count, self.name)
        return None

    def _first_visible(self, except_groups: Container[str]) -> int | None:
        now = self.clock.at
        for number, message in self.messages.items():
            if message.visible_at <= now and message.group not in except_groups:
                return number
        return None

    def delete(self, delivery: Delivery) -> None:
        """Acknowledge a received message."""
        with self._lock:
            self.messages.pop(int(delivery.receipt), None)

    def defer(self, delivery: Delivery, seconds: int) -> None:
        """Make a received message visible again after ``seconds``."""
        with self._lock:
            if (message := self.messages.get(int(delivery.receipt))) is not None:
                message.visible_at = self.clock.at + timedelta(seconds=seconds)

    def dead_letter(self, delivery: Delivery) -> None:
        """Put a copy of a received message among the dead letters."""
        self.dead.append(delivery.body)


@ready
class _StoredTable(msgspec.Struct, frozen=True):
    names: list[str]
    metadata: dict[str, str]
    row_groups: list[Columns]


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """A table as MessagePack: quick to write and read for small tables."""

    _stored: _StoredTable

    @property
    def metadata(self) -> Mapping[str, str]:
        """The footer's entries."""
        return self._stored.metadata

    @property
    def column_names(self) -> Sequence[str]:
        """The columns that the file has."""
        return self._stored.names

    @property
    def row_counts(self) -> Sequence[int]:
        """The number of rows of each row group."""
        return [_row_count(group) for group in self._stored.row_groups]

    def columns(self, names: Iterable[str], row_group: int | None = None) -> Columns:
        """Read columns; one that the file does not have is all NULL."""
        groups = self._stored.row_groups if row_group is None else [self._stored.row_groups[row_group]]
        return {
            name: [value for group in groups for value in group.get(name) or [None] * _row_count(group)]
            for name in names
        }

    def differing(self, values: Mapping[str, str | int]) -> list[str]:
        """Return the columns in which a row has another value than the one given for the column, or none."""
        columns = self.columns(values)
        return [name for name, value in values.items() if set(columns[name]) - {value}]


def _row_count(group: Columns) -> int:
    return len(next(iter(group.values())))


@dataclass(frozen=True, slots=True)
class MemoryTables:
    """Tables as MessagePack."""

    def encode(self, table: Table, row_groups: Iterable[Columns], metadata: Mapping[str, str]) -> bytes:
        """Return a file with one row group for each of ``row_groups``."""
        names = list(table.column_names)
        groups = [{name: group[name] for name in names} for group in row_groups]
        return msgspec.msgpack.encode(_StoredTable(names, dict(metadata), groups))

    def open(self, body: bytes) -> MemoryTable:
        """Read a file.

        Raises:
            IntegrityError: it is not one.
        """
        try:
            return MemoryTable(msgspec.msgpack.decode(body, type=_StoredTable))
        except msgspec.DecodeError as error:
            msg = f"not a table: {error}"
            raise IntegrityError(msg) from error

    def writer(self, table: Table, metadata: Mapping[str, str]) -> "MemoryTableWriter":
        """Begin a file."""
        return MemoryTableWriter(self, table, metadata)


@dataclass
class MemoryTableWriter:
    """A writer that collects every row into one row group."""

    tables: MemoryTables
    table: Table
    metadata: Mapping[str, str]
    _files: list[TableFile] = field(default_factory=list)

    def append(self, file: TableFile) -> None:
        """Add all rows of a file, columns by name."""
        self._files.append(file)

    def finish(self) -> BinaryIO:
        """Return the finished file."""
        names = self.table.column_names
        pieces = [file.columns(names) for file in self._files]
        merged = {name: [value for piece in pieces for value in piece[name]] for name in names}
        groups = [merged] if any(merged.values()) else []
        return io.BytesIO(self.tables.encode(self.table, groups, self.metadata))


@dataclass
class MemoryApi:
    """The AWS APIs of one target: the rows of each operation.

    Attributes:
        nodes: NodeInformation by id.
        states: PatchState by id; a node without one was never scanned.
        others: the rows of every other operation, by its name and by id; a listing returns those of all ids.
        page_size: the most rows of a page, if the operation allows as many.
        before_call: called with each operation's name before it answers; raise from it to let the call fail.
    """

    clock: MemoryClock
    call_counter: CallCounter
    nodes: dict[str, Record] = field(default_factory=dict)
    states: dict[str, Record] = field(default_factory=dict)
    others: dict[str, dict[str, list[Record]]] = field(default_factory=dict)
    page_size: int = 1000
    before_call: Callable[[str], None] = lambda _operation: None

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
        """Return a page: of a listing in the order of the ids, of any other operation the last id first.

        Raises:
            RestartError: the row that the token names is gone; a listing continues after it.
        """
        self.call_counter.add(calls=1)
        self.before_call(operation.name)
        found = self._answers(operation.name)
        asked = sorted({*ids} & found.keys(), reverse=True) if operation.ids_per_call else sorted(found)
        records: list[Record] = []
        next_token = None
        for instance_id, place, record in _rows_from(token, asked, found, is_listing=not operation.ids_per_call):
            if len(records) == min(self.page_size, operation.page_size):
                next_token = f"{instance_id} {place}"
                break
            records.append(record)
        return Page(records, next_token, round(self.clock.now().timestamp() * 1000))

    def _answers(self, operation: str) -> Mapping[str, Record | list[Record]]:
        known = {"DescribeInstanceInformation": self.nodes, "DescribeInstancePatchStates": self.states}
        return known[operation] if operation in known else self.others.get(operation, {})


def _rows_from(
    token: str | None, ids: Sequence[str], found: Mapping[str, Record | list[Record]], *, is_listing: bool
) -> Iterator[tuple[str, int, Record]]:
    """Yield the rows of these ids with their places, from the place of the token on."""
    start, first = 0, 0
    if token is not None:
        instance_id, _, place = token.partition(" ")
        if not is_listing and instance_id not in ids:
            msg = f"InvalidNextToken: {token}"
            raise RestartError(msg)
        start = bisect_left(ids, instance_id) if is_listing else ids.index(instance_id)
        first = int(place) if ids[start : start + 1] == [instance_id] else 0
    for instance_id in ids[start:]:
        rows = found[instance_id]
        for place_of_row, record in enumerate(rows if isinstance(rows, list) else [rows]):
            if place_of_row >= first:
                yield instance_id, place_of_row, record
        first = 0


@dataclass
class MemoryApis:
    """Every target's APIs in memory; a target that no test added has no nodes.

    Attributes:
        before_open: called with each target before it is opened; raise RefusedError from it to refuse its role.
    """

    clock: MemoryClock
    call_counter: CallCounter = field(default_factory=CallCounter)
    targets: dict[Target, MemoryApi] = field(default_factory=dict)
    before_open: Callable[[Target], None] = lambda _target: None

    def of(self, target: Target) -> MemoryApi:
        """Return a target's APIs, to fill or to break."""
        return self.targets.setdefault(target, MemoryApi(self.clock, self.call_counter))

    def open(self, plan: Plan, target: Target, *, fresh_session: bool = False) -> MemoryApi:  # noqa: ARG002
        """Return a target's APIs."""
        self.before_open(target)
        return self.of(target)
