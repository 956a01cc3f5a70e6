"""Everything that the stages need from outside, as protocols; ``adapters`` implements them, one file per service."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Protocol, Self

from patchlake.core.call_counter import CallCounter
from patchlake.core.plan import Account, Plan
from patchlake.core.records import Page
from patchlake.core.tables import Columns, Table
from patchlake.core.targets import Target
from patchlake.sources.source import Operation


class Clock(Protocol):
    """AWS's time, from the Date headers of its answers (docs/adr/0006-times-from-aws.md)."""

    def begin(self) -> None:
        """Begin an invocation: answers to earlier ones no longer count."""
        ...

    def now(self) -> datetime:
        """Return the time, aware, in UTC, in whole seconds.

        Raises:
            RetryableError: AWS's answers do not agree on it.
        """
        ...


class Store(Protocol):
    """Objects that are created once and never changed or deleted.

    Every method raises RetryableError if the store could not answer for now.
    """

    def get(self, key: str) -> bytes | None:
        """Return the object's bytes; None if it does not exist."""
        ...

    def exists(self, key: str) -> bool:
        """Whether the object exists."""
        ...

    def create(self, key: str, body: bytes | BinaryIO) -> bool:
        """Create the object, whole or not at all.

        Returns:
            True if this call created it; False if it existed, perhaps from this call's own first attempt.
        """
        ...

    def keys(self, prefix: str) -> Iterable[str]:
        """List the keys that begin with ``prefix``, in ascending order."""
        ...


class TableFile(Protocol):
    """A table as one immutable file in memory."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The footer's own entries."""
        ...

    @property
    def column_names(self) -> Sequence[str]:
        """The columns that the file has."""
        ...

    @property
    def row_counts(self) -> Sequence[int]:
        """The number of rows of each row group."""
        ...

    def columns(self, names: Iterable[str], row_group: int | None = None) -> Columns:
        """Read columns, of one row group or of all; a column that the file does not have is all NULL.

        Raises:
            IntegrityError: they cannot be read.
        """
        ...

    def differing(self, values: Mapping[str, str | int]) -> list[str]:
        """Return the columns in which a row has another value than the one given for the column, or none.

        Raises:
            IntegrityError: they cannot be read.
        """
        ...


class TableWriter(Protocol):
    """A table file made of whole files, one after the other, in constant memory."""

    def append(self, file: TableFile) -> None:
        """Add all rows of a file, columns by name; a missing column is NULL, an extra one is left out."""
        ...

    def finish(self) -> BinaryIO:
        """Return the finished file, to be read from its start; the caller closes it."""
        ...


class TableFormat(Protocol):
    """The file format of tables: equal input gives equal bytes with one build."""

    def encode(self, table: Table, row_groups: Iterable[Columns], metadata: Mapping[str, str]) -> bytes:
        """Return a file of ``table`` with one row group for each of ``row_groups``."""
        ...

    def open(self, body: bytes) -> TableFile:
        """Read a file.

        Raises:
            IntegrityError: it is not one, or it is damaged.
        """
        ...

    def writer(self, table: Table, metadata: Mapping[str, str]) -> TableWriter:
        """Begin a file of ``table``."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A received message.

    Attributes:
        receipt: the handle of this receive.
        receive_count: the number of receives of the message, this one included.
        queue_name: the queue that it came from.
        seconds_left: returns the seconds that are left of the invocation that received it.
    """

    body: str
    receipt: str
    receive_count: int
    queue_name: str = ""
    seconds_left: Callable[[], float] = field(default=lambda: math.inf, compare=False)

    @classmethod
    def of(cls, record: Mapping[str, Any], milliseconds_left: Callable[[], int]) -> Self:
        """Read a record of Lambda's SQS event; ``milliseconds_left`` is the time that is left of the invocation."""
        return cls(
            record["body"],
            record["receiptHandle"],
            receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
            queue_name=record["eventSourceARN"].rpartition(":")[2],
            seconds_left=lambda: milliseconds_left() / 1000,
        )


class Queue(Protocol):
    """A queue of hints: messages that it loses, repeats or delays change no snapshot."""

    @property
    def name(self) -> str:
        """The queue's name in a delivery."""
        ...

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        """Send (body, group) pairs, all of them.

        Raises:
            RetryableError: some may not have been sent.
        """
        ...

    def defer(self, delivery: Delivery, seconds: int) -> None:
        """Make a received message visible again after ``seconds``."""
        ...

    def dead_letter(self, delivery: Delivery) -> None:
        """Put a copy of a received message into the queue's dead-letter queue."""
        ...


class TargetApi(Protocol):
    """The AWS APIs of one target."""

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Any]:
        """Request one page of an operation's answer about these ids; a listing has no ids.

        Raises:
            RefusedError: the target refuses.
            RestartError: the chain of pages broke.
            ThrottledError: the service throttles.
            RetryableError: any other failure.
        """
        ...


class TargetApis(Protocol):
    """The access to every target."""

    @property
    def call_counter(self) -> CallCounter:
        """The calls so far."""
        ...

    def open(self, plan: Plan, target: Target, *, fresh_session: bool = False) -> TargetApi:
        """Return the APIs of a target of the plan, through the configured role unless it is in the home account.

        Args:
            plan: of the run.
            target: one of its targets.
            fresh_session: whether to open a new session, even if there is one.

        Raises:
            RefusedError: the role cannot be assumed.
            ThrottledError: the service that opens sessions throttles.
            RetryableError: AWS could not answer for now.
        """
        ...


class Accounts(Protocol):
    """Our own account with its regions, and the accounts of the organization."""

    def home_account_id(self) -> str:
        """Return the account that patchlake runs in."""
        ...

    def enabled_regions(self) -> Sequence[str]:
        """Return the regions that the home account has enabled.

        Raises:
            PermanentError: the home account may not list them.
            RetryableError: AWS could not answer for now, or not in full.
        """
        ...

    def organization_accounts(self) -> Sequence[Account]:
        """Return every account of the organization, suspended ones included.

        Raises:
            PermanentError: the home account may not list them.
            RetryableError: AWS could not answer for now, or not in full.
        """
        ...

    def unit_accounts(self, unit_ids: Iterable[str]) -> Sequence[Account]:
        """Return every account in these organizational units and those below them, suspended ones included.

        Raises:
            PermanentError: there is no such unit, or the home account may not list them.
            RetryableError: AWS could not answer for now, or not in full.
        """
        ...


class ParallelMap(Protocol):
    """``map``, or the same with several concurrent calls: results in the order of the items."""

    def __call__[A, B](self, function: Callable[[A], B], items: Iterable[A], /) -> Iterable[B]:
        """Apply ``function`` to every item."""
        ...
