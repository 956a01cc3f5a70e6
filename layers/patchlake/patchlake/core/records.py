"""The rows of an answer, as typed records derived from the tables, and the rules that every value must keep.

A record has one field per column that comes from the API, named as the column, with the API's member name on the wire.
A value that breaks a rule is lost, and named as broken; the other values of its row stay:

- a count is a whole number from 0 to 2³¹ - 1;
- a time is a number of seconds since the epoch, within the years 1 to 9999 even when rounded to milliseconds
  (year 1 is SSM's own sentinel for "never");
- a text is a string; its length, its characters and unknown enumeration values do not matter, but the id of a thing is
  not blank;
- ``InstanceId`` has the form of a node id; members that the API calls required are present.

Unknown members are ignored, and a member that is null counts as absent.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct, defstruct, field

from patchlake.core.ready_types import ready
from patchlake.core.tables import INSTANCE_ID, Column, ColumnType

INSTANCE_ID_PATTERN = r"^(i-([0-9A-Za-z_]{8}|[0-9A-Za-z_]{17})|mi-[0-9A-Za-z_]{17})\Z"
"""The pattern of ``InstanceId`` in the API reference of DescribeInstancePatchStates."""

InstanceId = Annotated[str, Meta(pattern=INSTANCE_ID_PATTERN)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
NotBlank = Annotated[str, Meta(pattern=r"\S")]
EpochSeconds = Annotated[float, Meta(ge=-62_135_596_800, lt=253_402_300_799.9995)]

_WIRE_TYPES: dict[ColumnType, Any] = {
    ColumnType.STRING: str,
    ColumnType.INT32: Count,
    ColumnType.BOOLEAN: bool,
    ColumnType.TIMESTAMP: EpochSeconds,
}


class Record(Struct, frozen=True, omit_defaults=True):
    """One row of an answer; its fields are the columns of its table that come from the API."""


class NodeRecord(Record, frozen=True):
    """One row of an answer that names its node."""

    instance_id: InstanceId = field(name=INSTANCE_ID.member)


def record_type[R: Record](name: str, columns: Iterable[Column], base: type[R], ids: Collection[str] = ()) -> type[R]:
    """Make the record whose fields are ``columns`` after those of its base, named on the wire as their API members.

    Args:
        name: of the record.
        columns: of its table.
        base: has its first fields.
        ids: the required columns that identify what a row is about, and so are never blank.
    """
    columns = tuple(columns)
    required = [(c.name, NotBlank if c.name in ids else _WIRE_TYPES[c.type]) for c in columns if not c.nullable]
    optional = [(c.name, _WIRE_TYPES[c.type] | None, None) for c in columns if c.nullable]
    members = {c.name: c.member for c in columns}
    record: type[R] = defstruct(  # type: ignore[assignment]  # its base says more than its signature
        name, [*required, *optional], bases=(base,), rename=members.get, frozen=True, kw_only=True, module=__name__
    )
    return ready(record)


def is_node_id(text: str) -> bool:
    """Whether SSM can be asked about an id; ids of forms that came after the pattern are listed all the same."""
    return re.match(INSTANCE_ID_PATTERN, text) is not None


@dataclass(frozen=True, slots=True)
class InvalidRow:
    """A row of an answer that breaks a rule.

    Attributes:
        instance_id: the id of its node, of a known form or not; None if it has no text as its id.
        reason: each broken rule with its member, and no value.
        record: the values of the row, None for those that break a rule; None if no value could be read.
    """

    instance_id: str | None
    reason: str
    record: Record | None = None


class NamedRow(NamedTuple):
    """A row of a listing that has an id.

    Attributes:
        record: its values; None if only its id could be read.
        reason: each broken rule; None if it keeps all.
    """

    instance_id: str
    record: Record | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Page[R: Record]:
    """One page of an answer.

    Attributes:
        rows: in the service's order, those that break a rule among the others.
        next_token: the token of the next page; None on the last one, where the service sends none or an empty string.
        answered_at_ms: AWS's time when it answered, in milliseconds since the epoch.
    """

    rows: Sequence[R | InvalidRow]
    next_token: str | None
    answered_at_ms: int

    @property
    def records(self) -> list[R]:
        """The rows that keep every rule."""
        return [row for row in self.rows if not isinstance(row, InvalidRow)]

    @property
    def invalid(self) -> list[InvalidRow]:
        """The rows that break a rule."""
        return [row for row in self.rows if isinstance(row, InvalidRow)]

    def reasons_and_records(self) -> list[tuple[str | None, Record | None]]:
        """Return the rules that each row breaks (None: it keeps all), and its values (None: none could be read)."""
        return [(row.reason, row.record) if isinstance(row, InvalidRow) else (None, row) for row in self.rows]

    def named_rows(self: "Page[Any]") -> list[NamedRow]:
        """Return every row that has an id."""
        return [
            NamedRow(row.instance_id, row.record, row.reason)
            if isinstance(row, InvalidRow)
            else NamedRow(row.instance_id, row, None)
            for row in self.rows
            if row.instance_id is not None
        ]
