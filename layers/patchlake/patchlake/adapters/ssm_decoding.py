"""The decoder from the raw body of an SSM answer to a page of records.

A page whose rows all follow the rules, as nearly every page does, is decoded at once. Any other page is read again, row
by row, so that a bad value costs only its own row. A body that is truncated, or not such an answer, is not an empty
page but a broken chain.
"""

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from patchlake.core.records import INSTANCE_ID_PATTERN, InvalidRow, Page, Record
from patchlake.errors import RestartError
from patchlake.sources.source import Operation

if TYPE_CHECKING:
    from collections.abc import Callable


class PageDecoder:
    """The decoder of one operation's answers."""

    def __init__(self, operation: Operation) -> None:
        """Prepare the decoders."""
        record = operation.record
        answer = msgspec.defstruct(
            "Answer",
            [("rows", list[record] | None, None), ("next_token", str | None, None)],  # type: ignore[valid-type]
            rename={"rows": operation.rows_member, "next_token": "NextToken"}.get,
        )
        self._rows_member = operation.rows_member
        self._id_member = operation.id_member
        self._answer: Callable[[bytes], Any] = msgspec.json.Decoder(answer).decode
        self._row: Callable[[bytes], Record] = msgspec.json.Decoder(record).decode

    def page(self, body: bytes, answered_at_ms: int) -> Page[Record]:
        """Return the page in a body; no list and a list that is null count as empty.

        Args:
            body: of an answer with status 200.
            answered_at_ms: AWS's time then, in milliseconds since the epoch.

        Raises:
            RestartError: the body is not a JSON object with such a list and token; most likely it was truncated.
        """
        try:
            answer = self._answer(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._page_by_rows(body, answered_at_ms)
        return Page(answer.rows or [], [], answer.next_token or None, answered_at_ms)

    def _page_by_rows(self, body: bytes, answered_at_ms: int) -> Page[Record]:
        rows, next_token = self._loaded(body)
        records: list[Record] = []
        invalid: list[InvalidRow] = []
        for row in rows:
            try:
                records.append(self._row(json.dumps(row).encode()))
            except msgspec.ValidationError as error:
                # It names the member and the expected values, never the value.
                invalid.append(InvalidRow(self._instance_id(row), str(error)))
            except msgspec.DecodeError:
                invalid.append(
                    InvalidRow(self._instance_id(row), "a text that is not Unicode, or a number that is none")
                )
        return Page(records, invalid, next_token or None, answered_at_ms)

    def _loaded(self, body: bytes) -> tuple[list[Any], str | None]:
        """Read the body with a parser that accepts any texts and numbers, so that a bad one costs only its row."""
        try:
            answer = json.loads(body.decode(errors="surrogateescape"))
        except (ValueError, RecursionError) as error:
            msg = f"SSM's answer is not JSON, or was cut short: it has {len(body)} bytes"
            raise RestartError(msg) from error
        match answer:
            case dict():
                rows, next_token = answer.get(self._rows_member), answer.get("NextToken")
                if isinstance(rows, list | None) and isinstance(next_token, str | None):
                    return rows or [], next_token
        msg = f"SSM's answer is not an object with a list {self._rows_member} and a text NextToken"
        raise RestartError(msg)

    def _instance_id(self, row: object) -> str | None:
        found = row.get(self._id_member) if isinstance(row, dict) else None
        return found if isinstance(found, str) and re.match(INSTANCE_ID_PATTERN, found) else None
