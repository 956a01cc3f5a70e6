"""The reader of one row of an answer, value by value, so that a bad value is lost alone."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from patchlake.core.records import InvalidRow, Record

REPEATED = object()
"""The value of a member that comes twice with different values, any of which could be meant."""


class _Member(NamedTuple):
    """A member of a row, and the decoder of its value."""

    field: str
    name: str
    is_required: bool
    decode: Callable[[bytes], Any]


class RowReader:
    """The reader of the rows of one operation."""

    def __init__(self, record: type[Record], id_member: str | None) -> None:
        """Prepare the decoders of the values."""
        self._record = record
        self._id_member = id_member
        self._members = [
            _Member(field.name, field.encode_name, field.required, msgspec.json.Decoder(field.type).decode)
            for field in msgspec.structs.fields(record)
        ]

    def read(self, row: object) -> Record | InvalidRow:
        """Return the row as a record, or with every broken rule if there is one."""
        if not isinstance(row, dict):
            return InvalidRow(None, "the row is not an object")
        values, broken = self._values(row)
        if not broken:
            return self._record(**values)
        instance_id = None if self._id_member is None else _text(row.get(self._id_member))
        reason = "; ".join(broken.values())
        if self._id_member is not None and instance_id is None:
            return InvalidRow(None, reason)
        others = [member for member in self._members if member.name != self._id_member]
        is_empty = all(values[member.field] is None for member in others)
        if is_empty and any(member.is_required for member in others):
            return InvalidRow(instance_id, reason)
        values |= {member.field: instance_id for member in self._members if member.name == self._id_member}
        return InvalidRow(instance_id, reason, self._record(**values))

    def _values(self, row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the value of each field, and the rule that each bad member breaks."""
        values: dict[str, Any] = dict.fromkeys(member.field for member in self._members)
        broken: dict[str, str] = {}
        for member in self._members:
            value = row.get(member.name)
            if value is None:
                if member.is_required:
                    broken[member.name] = f"{member.name}: it is absent"
                continue
            if value is REPEATED:
                broken[member.name] = f"{member.name}: it occurs twice, with different values"
                continue
            try:
                # What is inside a list or an object does not matter: it is the value of none of our members.
                values[member.field] = member.decode(json.dumps(value, default=repr).encode())
            except msgspec.ValidationError as error:
                # It names the expected values, never the value.
                broken[member.name] = f"{member.name}: {str(error).replace('Expected', 'expected')}"
            except msgspec.DecodeError:
                broken[member.name] = f"{member.name}: expected Unicode text, or a finite number"
        return values, broken


def is_unicode(text: str) -> bool:
    """Whether a text can be stored and sent: JSON may contain half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(value: object) -> str | None:
    """Return a value if it is a text that can be stored."""
    return value if isinstance(value, str) and value and is_unicode(value) else None
