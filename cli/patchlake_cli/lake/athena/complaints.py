"""Complaints about a SELECT in the words of Athena: those of DuckDB name its own functions, types and settings."""

import re
from collections.abc import Callable

from patchlake_cli.lake.athena.failures import BEGINNING
from patchlake_cli.similar_names import suggested

TOO_DEEP = "the SELECT is nested too deeply"
DIVISION_BY_ZERO = "division by zero: divide by NULLIF(divisor, 0), which gives NULL"

_KIND_OF_ERROR = re.compile(r"^(?:\w+ ){1,4}Error: ")
_TYPES = {
    "BLOB": "varbinary",
    "BOOL": "boolean",
    "HUGEINT": "bigint",
    "INT8": "tinyint",
    "INT16": "smallint",
    "INT32": "integer",
    "INT64": "bigint",
    "INT128": "bigint",
    "FLOAT": "real",
    "INTEGER_LITERAL": "integer",
    "STRING_LITERAL": "varchar",
    "STRUCT": "row",
    "TUPLE": "row",
    "UBIGINT": "bigint",
    '"NULL"': "unknown",
}
"""Athena's names of DuckDB's types; most others have the same, in lower case."""
_TYPE = re.compile(r'"NULL"|\b[A-Z][A-Z0-9_]+\b')
_LIST = re.compile(r"([\w ]+(?:\([^()]*\))?)\[\]")


def not_translated(why: str | None = None) -> str:
    """Return the error about a SELECT that the translation does not know how to read or write."""
    reason = f" ({why})" if why else ""
    return f"this SELECT cannot be translated{reason}: write it in another way, and report it"


def _of_no_types(types: str) -> str:
    return f"an operator or function does not take {_typed(types) or 'so few arguments'}: use CAST"


def _typed(types: str) -> str:
    """Return types by Athena's names."""
    named = _TYPE.sub(lambda found: _TYPES.get(found[0], found[0].lower()), types)
    while (shorter := _LIST.sub(r"array(\1)", named)) != named:
        named = shorter
    return named


_WORDS: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    ("expression depth limit", TOO_DEEP),
    (rf"convert string (['\"])'*{BEGINNING}(.*)\1 to", r"\2"),
    (
        r"invalid (?:character class range|repetition size): (.*)|pattern too large",
        lambda found: f"the pattern of a regular expression is not supported: {found[1] or 'it is too large'}",
    ),
    # A division of integers by zero, or the result of one of fractions that is made an integer.
    (r"Division by zero|with value -?(?:inf|nan) can't be cast", DIVISION_BY_ZERO),
    (
        r'Referenced (column|table) "(.*?)" (?:not found|was not found)[^:]*(?:: (.*))?',
        lambda found: (
            f'there is no {found[1]} "{found[2]}"{suggested(found[2], re.findall(r'"(.*?)"', found[3] or ""))}'
        ),
    ),
    (r'Column "(.*?)" referenced that exists', r'there is no column "\1", and only ORDER BY may name an alias'),
    (r'Alias with name "+(.*?)"+ exists', r'there is no column "\1", and only ORDER BY may name an alias'),
    (r'column "(.*?)" must appear in the GROUP BY', r'column "\1" must be in GROUP BY or in an aggregate function'),
    (r'Could not ORDER BY column "(.*?)"', r"ORDER BY \1: the UNION, EXCEPT or INTERSECT has no such column"),
    ("ORDER BY non-integer literal", "ORDER BY a value that is the same for all rows has no effect"),
    (
        "Set operations can only apply",
        "each SELECT of a UNION, EXCEPT or INTERSECT must have the same number of columns",
    ),
    (r"argument types '.*?\((.*)\)'", lambda found: _of_no_types(found[1])),
    (r'function call "[^"(]*\((.*)\)"', lambda found: _of_no_types(found[1])),
    (r"Invalid LIST argument|requires a single list or array", "UNNEST, transform() and filter() take an array"),
    ("Cannot deduce template type", "the elements of an array must be of one type: use CAST"),
    (r"Table function cannot contain (.*)!", r"UNNEST may not contain \1"),
    (r"Cannot extract field '(.*?)'", r"what is before .\1 is neither a table nor a row with such a field"),
    (r"[Cc]ould not convert string (['\"])'*(.*?)'*\1 to DECIMAL\(38,18\)", r"the text '\2' is not a number"),
    (
        r"[Cc]ould not convert string (['\"])'*(.*?)'*\1 to (\w+)",
        lambda found: f"the text '{found[2]}' cannot be cast to {_typed(found[3])}",
    ),
    (r"invalid (\w+) field format: (['\"])'*(.*?)'*\2", r"the text '\3' cannot be cast to \1"),
    (r"(\w+) field value out of range: (['\"])'*(.*?)'*\2", r"the text '\3' cannot be cast to \1"),
    (r"Overflow", "a number is too large for its type: cast it to bigint or double before you calculate with it"),
    (
        r"INT128 with value (\S+) can't be cast .* type INT64",
        r"\1 is too large for a bigint: cast what is added up to double or decimal",
    ),
    (
        r"with value (\S+) can't be cast .* type (\w+(?:\[\])*)",
        lambda found: f"{found[1]} cannot be cast to {_typed(found[2])}",
    ),
    (r"cast \((.*) -> (.*)\)", lambda found: f"a cast of {_typed(found[1])} to {_typed(found[2])} is not supported"),
    (
        r"combine types (.*) and (.*) - ",
        lambda found: f"{_typed(found[1])} and {_typed(found[2])} do not mix: use CAST",
    ),
    (
        r"compare values of type (.*?) and (?:type )?(.*?) (?:in IN/ANY/ALL clause )?- ",
        lambda found: f"{_typed(found[1])} and {_typed(found[2])} cannot be compared: use CAST",
    ),
    (
        r"Cannot concatenate types (.*) and (.*) - ",
        lambda found: f"{_typed(found[1])} and {_typed(found[2])} cannot be joined: use concat() for arrays",
    ),
    (r"(WHERE|HAVING|GROUP BY|JOIN) clause cannot contain (.*)!", r"\1 may not contain \2"),
    (r"Window functions are not supported here", "a window function needs OVER, and has no place here"),
    ("More than one row returned by a subquery", "a subquery that is a value has more than one row"),
    (
        r"Could not cast value (\S+) to (\w+\([\d,]+\))",
        lambda found: f"{found[1]} cannot be cast to {_typed(found[2])}",
    ),
    ("struct_extract with an integer key", "a field of a row has a name: use it, as in r.name"),
    ("Insufficient padding", "the padding of lpad() and rpad() must not be empty"),
    (
        "Could not decode string|could not convert blob|hex digit|UTF8 Codepoint",
        "a text or number is not one that the function can decode",
    ),
    ("Lists larger than", "an array may not be so long"),
    ("Map keys must be unique", "the keys of a map must be unique"),
    ("map key list does not align", "the arrays of map() must have the same length"),
    ("QUANTILE can only take parameters", "the percentile of approx_percentile() must be between 0 and 1"),
    ("syntax error at or near", not_translated()),
    (r"Cannot automatically join: (\w+)", r"USING (\1): one of the tables has no column \1"),
]
"""The beginnings of DuckDB's and sqlglot's complaints, and what is said instead."""


def in_athenas_words(complaint: str) -> str:
    """Return a complaint of DuckDB or sqlglot in one line, without the part of the SELECT that it shows."""
    said = complaint.partition("\n\nLINE ")[0].partition("\n\tCandidate")[0]
    message = " ".join(_KIND_OF_ERROR.sub("", said).split())
    for pattern, words in _WORDS:
        if found := re.search(pattern, message):
            return words(found) if callable(words) else found.expand(words)
    return message
