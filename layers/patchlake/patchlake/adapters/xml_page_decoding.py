"""The decoder from the raw body of an XML answer of EC2 to a page of records.

It reads the body as a stream: of each row only the members of the record are kept, so a page takes little memory,
whatever else its rows contain. The SDK's own parser takes five times the time and fifteen times the memory for a full
page, loses the page for one bad time, and reads every text but ``true`` as false.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from io import BytesIO
from itertools import batched
from typing import Annotated, Any, NamedTuple
from xml.etree import ElementTree as ET

import msgspec
from botocore.model import ListShape, Shape, StructureShape

from patchlake.adapters.answer_form import misleading_member
from patchlake.adapters.row_reading import REPEATED, RowReader
from patchlake.adapters.xml_elements import has_text, is_nil, local_name
from patchlake.core.records import EpochSeconds, InvalidRow, Page, Record
from patchlake.errors import BrokenAnswerError
from patchlake.sources.source import Operation

_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_TRUTH = {"true": True, "false": False}

_MEMBER_DEPTH, _ITEM_DEPTH = 1, 2
"""The levels of an answer's members, and of the items in its list."""


class _Member(NamedTuple):
    """A member of a row, its place in the row's element, and the reader of its text."""

    name: str
    place: tuple[str, ...]
    read: Callable[[str], object]


class XmlPageDecoder:
    """The decoder of one operation's answers."""

    def __init__(self, operation: Operation, answer: StructureShape) -> None:
        """Find the elements of the rows in the SDK's description of the answer."""
        self._name = operation.name
        (self._list, self._item, *self._lists_in_item), row = _place(answer, operation.rows_member)
        # An operation without pages has no token.
        self._next_token = _place(answer, "NextToken")[0][0] if "NextToken" in answer.members else None
        self._own = {name for name in (self._list, self._next_token) if name is not None}
        self._root = f"{self._name}Response"
        self._no_answer = f"the answer to {self._name} has status 200, but is not a {self._root} with one {self._list}"
        self._record = operation.record
        self._reader = RowReader(operation.record, operation.id_member)
        self._members = [
            _Member(field.encode_name, tuple(_place(row, field.encode_name)[0]), _reader_of(field.type))
            for field in msgspec.structs.fields(operation.record)
        ]

    def page(self, body: bytes, answered_at_ms: int) -> Page[Record]:
        """Return the page in a body.

        Args:
            body: of an answer with status 200.
            answered_at_ms: AWS's time then, in milliseconds since the epoch.

        Raises:
            BrokenAnswerError: the body is not a whole answer of this operation with its list, or it is an error.
        """
        rows: list[Record | InvalidRow] = []
        members: dict[str, str] = {}
        repeated: set[str] = set()
        try:
            for element, is_item in self._elements(body):
                if not is_item:
                    name = local_name(element)
                    if name == self._list:
                        self._require_list(element)
                    repeated |= {name} & members.keys()
                    members[name] = element.text or ""
                    continue
                rows += self._rows(element)
        except (ET.ParseError, ValueError, LookupError) as error:
            msg = f"the answer to {self._name} is not XML, or was cut short: it has {len(body)} bytes"
            raise BrokenAnswerError(msg) from error
        if (other := misleading_member(members, self._own)) is not None:
            msg = f"the answer to {self._name} has the unexpected member {other}"
            raise BrokenAnswerError(msg)
        if self._list not in members or repeated & self._own:
            raise BrokenAnswerError(self._no_answer)
        return Page(rows, (self._next_token and members.get(self._next_token)) or None, answered_at_ms)

    def _elements(self, body: bytes) -> Iterator[tuple[ET.Element, bool]]:
        """Yield each item of the list, and each member of the answer after its items; no item is kept."""
        above: list[ET.Element] = []
        for event, element in ET.iterparse(BytesIO(body), ("start", "end")):  # noqa: S314  # an answer of AWS
            if event == "start":
                if not above and local_name(element) != self._root:
                    raise BrokenAnswerError(self._no_answer)
                above.append(element)
                continue
            above.pop()
            if len(above) == _ITEM_DEPTH:
                name = local_name(above[-1])
                if name == self._next_token:
                    raise BrokenAnswerError(self._no_answer)
                if name == self._list:
                    self._require_list(above[-1])
                    yield element, True
                above[-1].clear()
            elif len(above) == _MEMBER_DEPTH:
                yield element, False
                above[-1].clear()

    def _require_list(self, element: ET.Element) -> None:
        if is_nil(element) or _holds_other_than([element], self._item):
            raise BrokenAnswerError(self._no_answer)

    def _rows(self, item: ET.Element) -> Iterator[Record | InvalidRow]:
        elements = [item]
        for list_name, item_name in batched(self._lists_in_item, 2, strict=True):
            lists = [one for one in _named(elements, list_name) if not is_nil(one)]
            elements = _named(lists, item_name)
            if not lists:
                yield InvalidRow(None, f"{list_name}: it is absent")
            elif _holds_other_than(lists, item_name):
                yield InvalidRow(None, f"{list_name}: it is not a list of {item_name}")
            elif not elements:
                yield InvalidRow(None, f"{list_name}: it is empty")
        yield from map(self._row, elements)

    def _row(self, element: ET.Element) -> Record | InvalidRow:
        children: dict[str, list[ET.Element]] = defaultdict(list)
        for child in element:
            children[local_name(child)].append(child)
        found = ((member, _value_at(children.get(member.place[0], ()), member)) for member in self._members)
        values = {member.name: value for member, value in found if value is not None}
        try:
            return msgspec.convert(values, self._record)
        except msgspec.ValidationError:
            return self._reader.read(values)


def _place(shape: Shape, path: str) -> tuple[list[str], Shape]:
    """Return the names of the elements on the way to a member, and its shape; of a list, the shape of its items."""
    names: list[str] = []
    for name in path.split("."):
        member = shape.members[name] if isinstance(shape, StructureShape) else shape
        names.append(member.serialization["name"])
        while isinstance(member, ListShape):
            member = member.member
            names.append(member.serialization["name"])
        shape = member
    return names, shape


def _reader_of(kind: Any) -> Callable[[str], object]:  # noqa: ANN401
    """Return the reader of a field's text; it returns a text that it cannot read, which then breaks the rule."""
    match kind:
        case _ if kind in {bool, bool | None}:
            return lambda text: _TRUTH.get(text, text)
        case _ if kind in {EpochSeconds, EpochSeconds | None}:
            return _seconds
        case _:
            return str


def _seconds(text: str) -> object:
    try:
        return msgspec.convert(text, _Time).timestamp()
    except msgspec.ValidationError:
        return text


def _value_at(elements: Iterable[ET.Element], member: _Member) -> object:
    """Return the value of a member below these elements; None if it is absent, and a list if it contains elements."""
    for name in member.place[1:]:
        elements = _named(elements, name)
    texts = [_text(one) for one in elements]
    if not texts:
        return None
    text, *others = texts
    if any(other != text for other in others):
        return REPEATED
    return member.read(text) if isinstance(text, str) else text


def _text(element: ET.Element) -> str | list[object] | None:
    if is_nil(element):
        return None
    return [] if len(element) else element.text or ""


def _named(elements: Iterable[ET.Element], name: str) -> list[ET.Element]:
    """Return the elements of this name in these elements."""
    return [child for element in elements for child in element if local_name(child) == name]


def _holds_other_than(lists: Iterable[ET.Element], item_name: str) -> bool:
    """Whether one of these elements holds a text, or an element with another name."""
    return any(has_text(one) or any(local_name(child) != item_name for child in one) for one in lists)
