"""The formats of date_format(), date_parse() and format(): only what Athena and DuckDB read in the same way."""

import re
from itertools import count

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.dialects.dialect import Dialect

from patchlake_cli.lake.errors import QueryError

_SPECIFIER = re.compile(r"%(.?)", re.DOTALL)
_WRITTEN = "abcdefHhIijklMmprSsTWxYy"
"""The specifiers of date_format()."""
_READ = {"year": "Y", "month": "mcbM", "day": "de", "hour": "HkhIlT", "minute": "iT", "second": "sST", "half": "p"}
"""The specifiers of date_parse(), by what they give."""
_OF_HALF_A_DAY = "hIl"
_PLACE = re.compile(
    r"%(?:(?P<number>[1-9])\$)?(?P<printed>(?:-(?=[1-9]))?(?:[1-9][0-9]?)?s|(?:[-0](?=[1-9]))?(?:[1-9][0-9]?)?[dx]|,d)|%%"
)
"""A place of format(), or a percent sign."""
_INTEGERS = tuple(exp.DataType.INTEGER_TYPES)
_TEXTS = (*exp.DataType.TEXT_TYPES, *_INTEGERS, exp.DType.BOOLEAN, exp.DType.DATE)


def require_time_formats(question: exp.Query, sql: str) -> None:
    """Require that each format of a time is one text, which Athena and DuckDB read in the same way.

    Args:
        question: the parsed SELECT, whose formats are DuckDB's.
        sql: its text.

    Raises:
        QueryError: a format is another one.
    """
    texts = [token.text for token in sqlglot.tokenize(sql, read="athena") if token.token_type is TokenType.STRING]
    for node in question.find_all(exp.TimeToStr, exp.StrToTime):
        name = "date_parse" if isinstance(node, exp.StrToTime) else "date_format"
        read = node.args["format"]
        if not isinstance(read, exp.Literal):
            raise QueryError(f"the format of {name}() must be one text in quotes")
        for text in texts:
            if Dialect.get_or_raise("athena").format_time(exp.Literal.string(text)) == read:
                _require_time_format(name, text)


def _require_time_format(name: str, text: str) -> None:
    if not text:
        raise QueryError(f"the format of {name}() is empty: write one such as '%Y-%m-%d'")
    found = _SPECIFIER.findall(text)
    known = sorted(_WRITTEN if name == "date_format" else set("".join(_READ.values())))
    if other := [specifier for specifier in found if specifier not in known]:
        listed = " ".join(f"%{specifier}" for specifier in known)
        raise QueryError(f"%{other[0]} is not supported in the format of {name}(): use {listed}")
    if name == "date_parse":
        given = {part: sum(map(found.count, specifiers)) for part, specifiers in _READ.items()}
        is_date = given["year"] == given["month"] == given["day"] == 1
        if not is_date or max(given.values()) > 1 or given["half"] != sum(map(found.count, _OF_HALF_A_DAY)):
            raise QueryError(
                f"date_parse() with the format {text!r} is not supported: it must have a year, a month and a day, "
                "each part once, and %p exactly if its hours are those of %h, %I or %l"
            )


def formatted(node: exp.Format) -> exp.Expr:
    """Return the text of a call of format(), in which NULL is ``null``.

    Raises:
        QueryError: its format has a place that DuckDB would fill in another way, or a value has another type.
    """
    if not isinstance(node.this, exp.Literal):
        raise QueryError("the format of format() must be one text in quotes")
    text, values, end = node.this.name, node.expressions, 0
    parts: list[exp.Expr] = []
    following = count()
    for place in _PLACE.finditer(text):
        parts.append(_text(text[end : place.start()]))
        end = place.end()
        if place[0] == "%%":
            parts.append(_text("%"))
            continue
        at = next(following) if place["number"] is None else int(place["number"]) - 1
        if at >= len(values):
            raise QueryError(f"format() has no value for {place[0]}")
        parts.append(_printed(place["printed"], values[at]))
    parts.append(_text(text[end:]))
    if any("%" in part.name for part in parts if part.is_string and part.name != "%"):
        raise QueryError(f"format() with {text!r} is not supported: use %s, %d or %x, or round() for a fraction")
    return exp.Concat(expressions=parts, safe=False)


def _printed(specifier: str, value: exp.Expr) -> exp.Expr:
    is_text = specifier.endswith("s")
    types, needed = (_TEXTS, "varchar") if is_text else (_INTEGERS, "bigint")
    is_given = isinstance(value, exp.Null) or (is_text and isinstance(value, exp.Placeholder))
    if not (value.is_type(*types) or is_given):
        written = value.sql(dialect="athena")
        raise QueryError(f"format(): {written} is not of a type for %{specifier}: write CAST({written} AS {needed})")
    width = specifier[:-1].lstrip("0,")
    printed = _printf(f"%{specifier}", exp.cast(value, "VARCHAR") if is_text else value)
    return exp.Coalesce(this=printed, expressions=[_printf(f"%{width}s", _text("null"))])


def _printf(specifier: str, value: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="printf", expressions=[_text(specifier), value])


def _text(text: str) -> exp.Expr:
    return exp.Literal.string(text)
