"""The decoder from the raw body of a JSON answer to a page of records.

A page whose rows all follow the rules, as nearly every page does, is decoded at once. Any other page is read again,
value by value, so that a bad one is lost alone. A body that is truncated, lacks its list, or is an error in spite of
its status is not an empty page but a broken answer.

Of a member that comes twice in an object, parsers keep the last value. What they keep has fewer quotation marks than
the body then: every member has two, around its name.
"""

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from patchlake.adapters.answer_form import misleading_member
from patchlake.adapters.row_reading import REPEATED, RowReader, is_unicode
from patchlake.core.records import Page, Record
from patchlake.errors import BrokenAnswerError
from patchlake.sources.source import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

_ERROR_MEMBER = "__type"
"""The member that only errors have, in the protocols of AWS that use JSON."""

_WRAPPER = "Output"
"""The member in which a front end of AWS sends an error with the status of a success."""

_DEEPEST = 100
"""The deepest nesting that is read; every member that we read is a plain value, four levels down."""

_MOST_DIGITS = 1_000
"""The digits of the longest number that is read as a whole number; Python refuses one of more than 4,300."""

_QUOTE, _ESCAPED_QUOTE = b'"', b"\\u0022"
"""A quotation mark, which we write as itself after a backslash, and its other spelling."""

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[][{}]', re.DOTALL)
"""A JSON text, which may be cut short, or a bracket outside of every text."""


class PageDecoder:
    """The decoder of one operation's answers."""

    def __init__(self, operation: Operation) -> None:
        """Prepare the decoders."""
        names = {"rows": operation.rows_member, "next_token": "NextToken", "error": _ERROR_MEMBER, "wrapper": _WRAPPER}
        answer = msgspec.defstruct(
            "Answer",
            [
                ("rows", list[operation.record]),  # type: ignore[name-defined]
                ("next_token", str | None, None),
                ("error", msgspec.Raw | UnsetType, UNSET),
                ("wrapper", msgspec.Raw | UnsetType, UNSET),
            ],
            rename=names.get,
            omit_defaults=True,
        )
        self._name = operation.name
        self._rows_member = operation.rows_member
        self._answer: Callable[[bytes], Any] = msgspec.json.Decoder(answer).decode
        self._rows = RowReader(operation.record, operation.id_member)
        self._members = frozenset(names.values())

    def page(self, body: bytes, answered_at_ms: int) -> Page[Record]:
        """Return the page in a body.

        Args:
            body: of an answer with status 200.
            answered_at_ms: AWS's time then, in milliseconds since the epoch.

        Raises:
            BrokenAnswerError: the body is not a JSON object with such a list and token, or it is an error.
        """
        try:
            answer = self._answer(body)
            # The second one has the members that we do not know, too.
            is_whole = _is_all_of(answer, body) or self._is_all_but_unknown(msgspec.json.decode(body), body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._page_by_values(body, answered_at_ms)
        if answer.error is not UNSET or answer.wrapper is not UNSET or not is_whole:
            return self._page_by_values(body, answered_at_ms)
        return Page(answer.rows, answer.next_token or None, answered_at_ms)

    def _page_by_values(self, body: bytes, answered_at_ms: int) -> Page[Record]:
        rows, next_token = self._loaded(body)
        return Page([self._rows.read(row) for row in rows], next_token or None, answered_at_ms)

    def _is_all_but_unknown(self, loaded: Any, body: bytes) -> bool:  # noqa: ANN401
        return _is_all_of(loaded, body) and not misleading_member(loaded, self._members)

    def _loaded(self, body: bytes) -> tuple[list[Any], str | None]:
        """Read the body with a parser that accepts any texts and numbers, so that a bad one is lost alone."""
        try:
            answer = parse_json(body.decode(errors="surrogateescape"))
        except (ValueError, RecursionError) as error:
            msg = f"the answer to {self._name} is not JSON, or was cut short: it has {len(body)} bytes"
            raise BrokenAnswerError(msg) from error
        match answer:
            case {"__type": error} | {"Output": {"__type": error}}:
                msg = f"the answer to {self._name} has status 200, but is the error {_error_name(error)}"
                raise BrokenAnswerError(msg)
            case dict():
                if (other := misleading_member(answer, self._members)) is not None:
                    msg = f"the answer to {self._name} has the unexpected member {other}"
                    raise BrokenAnswerError(msg)
                rows, next_token = answer.get(self._rows_member), answer.get("NextToken")
                is_token = isinstance(next_token, str | None) and is_unicode(next_token or "")
                if isinstance(rows, list) and is_token and answer.get(_WRAPPER) is not REPEATED:
                    return rows, next_token
        msg = f"the answer to {self._name} is not an object with a list {self._rows_member} and a NextToken of text"
        raise BrokenAnswerError(msg)


def _is_all_of(read: object, body: bytes) -> bool:
    """Whether everything in a body was read."""
    return msgspec.json.encode(read).count(_QUOTE) == body.count(_QUOTE) + body.count(_ESCAPED_QUOTE)


def parse_json(text: str) -> Any:  # noqa: ANN401
    """Parse a text; a member that an object has twice is ``REPEATED``, unless both are the same text or number.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return json.loads(text, parse_int=_number, object_pairs_hook=_object_of)
    except RecursionError:
        return json.loads(_without_deep_nesting(text), parse_int=_number, object_pairs_hook=_object_of)


def _object_of(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in members:
        is_new = name not in found
        found[name] = value if is_new or _are_same(found[name], value) else REPEATED
    return found


def _are_same(first: object, second: object) -> bool:
    return type(first) is type(second) and isinstance(first, str | float | int | None) and first == second


def _number(digits: str) -> float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _without_deep_nesting(text: str) -> str:
    """Replace each value below ``_DEEPEST`` levels by an empty list, which is the value of none of our members."""
    kept: list[str] = []
    depth = start = 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
                if depth == _DEEPEST + 1:
                    kept.append(text[start : token.start()])
            case "]" | "}":
                if depth == _DEEPEST + 1:
                    kept.append("[]")
                    start = token.end()
                depth -= 1
    return "".join(kept) + text[start:]


def _error_name(error: object) -> str:
    """Return the name of an error without its namespace; a text of another form is not repeated."""
    found = re.fullmatch(r"(?:[\w.]{1,100}#)?(\w{1,100})", error) if isinstance(error, str) else None
    return "without a name" if found is None else found[1]
