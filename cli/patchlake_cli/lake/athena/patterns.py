"""The patterns of regular expressions: Athena and DuckDB have two engines, and what both read in one way is answered.

A pattern is read here as far as it consists of such parts. So it is known which of its groups may match an empty text
and which may match nothing: that is NULL in Athena and empty in DuckDB.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlglot import exp

from patchlake.adapters.one_line import one_line
from patchlake_cli.lake.errors import QueryError

_FLAGS = re.compile(r"\(\?[is]+\)|")
_ITSELF = r"\\[!-/:;=?@\[-^{-~]"
_IN_CLASS = rf"(?:[^\\\[\]^&~-]|&(?!&)|~(?!~)|{_ITSELF}|\\[tnrf])"
_CLASS = rf"\[\^?(?:-|-?(?:{_IN_CLASS}-{_IN_CLASS}|{_IN_CLASS}|\\[dDwWsS](?!-[^\]]))+-?)\]"
_ATOM = rf"[^\\.\[\]{{}}()*+?|^$]|\.|{_ITSELF}|\\[dDwWsStnrf]|\\[pP]\{{[A-Z][a-z]?\}}|{_CLASS}"
_TIMES = r"(?P<times>(?:[*+?]\??|\{[0-9]+,[0-9]*\}\??|\{[0-9]+\})(?![*+?{]))?"
_PIECE = re.compile(
    r"(?P<open>\((?P<plain>\?:)?(?!\?))|(?P<bar>\|)|(?P<anchor>[\^$]|\\[bBAz])"
    rf"|(?:(?P<close>\))|{_ATOM}){_TIMES}"
)
"""A part of a pattern that both engines read in the same way."""
_AT_LEAST_ONCE = re.compile(r"\+|\{0*[1-9]")


class Group(NamedTuple):
    """A group of a pattern.

    Attributes:
        may_be_empty: whether it may match an empty text.
        may_be_absent: whether it may match nothing while the pattern matches.
    """

    may_be_empty: bool
    may_be_absent: bool


@dataclass(slots=True)
class _Open:
    """A group that is not closed yet.

    Attributes:
        number: that of the group; None for one without a number.
        inner: the number of the next group after its opening.
        is_empty: whether the alternative that is read may match an empty text.
        may_be_empty: whether one of those before may.
        has_alternatives: whether there are several.
    """

    number: int | None
    inner: int
    is_empty: bool = True
    may_be_empty: bool = False
    has_alternatives: bool = False


@dataclass(slots=True)
class _Reader:
    """The part of a pattern that is read so far."""

    groups: list[Group] = field(default_factory=lambda: [Group(may_be_empty=False, may_be_absent=False)])
    around: list[_Open] = field(default_factory=lambda: [_Open(0, 1)])

    def read(self, piece: re.Match[str]) -> bool:
        """Read a piece; whether it fits."""
        inmost = self.around[-1]
        if piece["open"]:
            number = None if piece["plain"] else len(self.groups)
            if number is not None:
                self.groups.append(self.groups[0])
            self.around.append(_Open(number, len(self.groups)))
        elif piece["bar"]:
            inmost.may_be_empty |= inmost.is_empty
            inmost.is_empty, inmost.has_alternatives = True, True
        elif piece["close"]:
            if len(self.around) == 1:
                return False
            may_be_empty = self.close(is_optional=_is_optional(piece))
            self.around[-1].is_empty &= may_be_empty
        elif not piece["anchor"]:
            inmost.is_empty &= _is_optional(piece)
        return True

    def close(self, *, is_optional: bool) -> bool:
        """Close the innermost group; whether it may match an empty text."""
        closed = self.around.pop()
        may_be_empty = closed.may_be_empty or closed.is_empty
        if closed.number is not None:
            self.groups[closed.number] = Group(may_be_empty, may_be_absent=is_optional)
        if closed.has_alternatives or is_optional:
            for number in range(closed.inner, len(self.groups)):
                self.groups[number] = self.groups[number]._replace(may_be_absent=True)
        return may_be_empty or is_optional


def _is_optional(piece: re.Match[str]) -> bool:
    return piece["times"] is not None and not _AT_LEAST_ONCE.match(piece["times"])


def groups_of(pattern: exp.Expr) -> Sequence[Group]:
    """Return the groups of a pattern; the first is the whole match.

    Raises:
        QueryError: it is not written out, or has a part that Athena's engine and DuckDB's may read in different ways.
    """
    text = _written(pattern)
    if text is None:
        raise QueryError(f"the pattern {pattern.sql(dialect='athena')} must be one text in quotes")
    flags = _FLAGS.match(text)
    place = flags.end() if flags else 0
    reader = _Reader()
    while place < len(text):
        piece = _PIECE.match(text, place)
        if piece is None or not reader.read(piece):
            raise QueryError(
                f"the pattern '{one_line(text)}' is not supported from '{one_line(text[place:])}' on: "
                "docs/queries.md lists what a pattern may have"
            )
        place = piece.end()
    if len(reader.around) > 1:
        raise QueryError(f"the pattern '{one_line(text)}' has a group that is not closed")
    reader.close(is_optional=False)
    return reader.groups


def groups_of_repeated(pattern: exp.Expr) -> Sequence[Group]:
    """Return the groups of a pattern whose matches are all found, none of which may be empty.

    Raises:
        QueryError: as `groups_of` does, or it may match an empty text.
    """
    groups = groups_of(pattern)
    if groups[0].may_be_empty:
        raise QueryError(
            f"the pattern {pattern.sql(dialect='athena')} may match an empty text, which Athena finds at other places: "
            "use + for *"
        )
    return groups


def group_of(call: exp.Expr, groups: Sequence[Group]) -> Group:
    """Return the group of a pattern that a call asks for.

    Raises:
        QueryError: it is not written out, or the pattern does not have it.
    """
    group = call.args["group"]
    if not (isinstance(group, exp.Literal) and group.is_int):
        raise QueryError(f"{call.sql(dialect='athena')}: the group must be written as a whole number, such as 1")
    number = int(group.name)
    require_group(number, groups)
    found = groups[number]
    if found.may_be_empty and found.may_be_absent:
        raise QueryError(
            f"{call.sql(dialect='athena')}: group {number} may match an empty text or nothing, which is NULL: "
            "use + for *, or a group around it"
        )
    return found


def require_group(number: int, groups: Sequence[Group]) -> None:
    """Require that a pattern has a group.

    Raises:
        QueryError: it has not so many.
    """
    if number >= len(groups):
        raise QueryError(f"there is no group {number}: the pattern has {len(groups) - 1}, each in parentheses")


def _written(text: exp.Expr) -> str | None:
    """Return a text that consists of texts in quotes and characters; None if it is another one."""
    match text:
        case exp.Literal(is_string=True):
            return text.name
        case exp.Paren():
            return _written(text.this)
        case exp.Chr(expressions=[exp.Literal(is_int=True) as code]):
            return chr(int(code.name))
        case exp.DPipe() | exp.Concat():
            parts = [_written(part) for part in text.iter_expressions()]
            return None if None in parts else "".join(filter(None, parts))
        case _:
            return None
