"""Trino's own grammar, which is Athena's: sqlglot reads more, and knows functions and types by other names too."""

from collections.abc import Iterator
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from antlr4 import ParserRuleContext

_CAPITAL = str.maketrans(ascii_lowercase, ascii_uppercase)
"""The grammar has its words in capital letters."""


class GrammarError(Exception):
    """A text is no statement of Athena.

    Attributes:
        position: that of the first word that does not fit.
        end: that of the end of the word.
        is_join: whether it is where a JOIN needs its ON or USING.
    """

    def __init__(self, position: int, end: int, *, is_join: bool = False) -> None:
        """Take the place."""
        super().__init__(position)
        self.position = position
        self.end = end
        self.is_join = is_join


class Name(NamedTuple):
    """The name of a function that is called, or of a type.

    Attributes:
        text: the name without quotes, in lower case.
        position: where it is in the statement.
        arguments: the number of those of a function; None for a type.
    """

    text: str
    position: int
    arguments: int | None


@lru_cache(maxsize=16)
def names_in(sql: str) -> tuple[Name, ...]:
    """Return the functions and types that a statement names; CAST and others with a syntax of their own are no names.

    Args:
        sql: the statement, without a semicolon.

    Raises:
        GrammarError: Athena does not read it.
    """
    # Not at the top: the grammar takes a while, and only a SELECT of the user needs it.
    from antlr4 import CommonTokenStream, InputStream  # noqa: PLC0415
    from trino_query_parser.error import TrinoErrorListener, TrinoSyntaxError  # noqa: PLC0415
    from trino_query_parser.SqlBaseLexer import SqlBaseLexer  # noqa: PLC0415
    from trino_query_parser.SqlBaseParser import SqlBaseParser  # noqa: PLC0415

    parser = SqlBaseParser(CommonTokenStream(SqlBaseLexer(InputStream(sql.translate(_CAPITAL)))))
    parser.removeErrorListeners()
    parser.addErrorListener(TrinoErrorListener())
    try:
        statement = parser.singleStatement()
    except TrinoSyntaxError as error:
        word = error.offending_symbol
        is_join = error.msg.endswith("expecting {'ON', 'USING'}")
        raise GrammarError(min(word.start, len(sql)), word.stop + 1, is_join=is_join) from error

    def name(part: "ParserRuleContext", arguments: int | None) -> Name:
        start = part.start.start
        return Name(sql[start : part.stop.stop + 1].strip('"').lower(), start, arguments)

    found: list[Name] = []
    for part in _parts(statement):
        match part:
            case SqlBaseParser.FunctionCallContext():
                found.append(name(part.qualifiedName(), _number_of_arguments(part)))
            case SqlBaseParser.GenericTypeContext() | SqlBaseParser.TypeConstructorContext() if part.identifier():
                found.append(name(part.identifier(), None))
            case SqlBaseParser.BackQuotedIdentifierContext():
                # It is in the grammar for a better message.
                raise GrammarError(part.start.start, part.stop.stop + 1)
            case _:
                pass
    return tuple(found)


def _number_of_arguments(call: "ParserRuleContext") -> int:
    """Return the number of a call's arguments; a star is none, as in ``count(*)``."""
    return 0 if call.ASTERISK() else len(call.expression())


def _parts(statement: "ParserRuleContext") -> Iterator["ParserRuleContext"]:
    """Yield the parts of a statement, in the order of the text."""
    waiting = [statement]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += reversed([child for child in part.children or () if hasattr(child, "children")])
