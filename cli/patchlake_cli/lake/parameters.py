"""The parameters of a query: their types, and the values that a user gives.

The header of a named query declares its parameters. In a SELECT of the user, each ``?`` is a text, named by its number.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from patchlake_cli.lake.errors import ParameterError

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class ParameterType(StrEnum):
    """The type of a parameter."""

    DATE = "date"
    """A UTC date that is not in the future."""
    DAYS = "days"
    CVE = "cve"
    """The id of a CVE, in upper or lower case."""
    PATCH = "patch"
    """The id of a patch, in upper or lower case: not digits alone, several ids or a pattern, which no patch has."""
    TEXT = "text"
    """The name of something, such as a node or a region: any text that is not empty, without spaces at its ends."""
    ROWS = "rows"
    """A number of rows, in the SELECT of a user."""
    ANY_TEXT = "any text"
    """Any text, the empty one included: a value in the SELECT of a user, or a name that may be left open."""


_FORMS: Mapping[ParameterType, re.Pattern[str]] = {
    ParameterType.DAYS: re.compile(r"[0-9]{1,4}"),
    ParameterType.CVE: re.compile(r"CVE-[0-9]{4}-[0-9]{4,}", re.IGNORECASE),
    ParameterType.PATCH: re.compile(r"(?i:KB)[0-9]+|(?![0-9]+\Z|(?i:KB)(?:[\s0-9]|\Z))[^\s,%*](?:[^,%*]*[^\s,%*])?"),
    ParameterType.ROWS: re.compile(r"[0-9]{1,18}"),
}
_EXPECTED: Mapping[ParameterType, str] = {
    ParameterType.DATE: "a UTC date up to {today}, as YYYY-MM-DD",
    ParameterType.DAYS: "a whole number of days, from 0 to 9999",
    ParameterType.CVE: "the id of a CVE",
    ParameterType.PATCH: "the id of a patch, which is KB and a number, or the name of a package",
    ParameterType.TEXT: "UTF-8 text that is not empty, without spaces at either end",
    ParameterType.ROWS: "a whole number of rows",
    ParameterType.ANY_TEXT: "UTF-8 text",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter.

    Attributes:
        example: a valid value.
        meaning: one sentence.
    """

    name: str
    type: ParameterType
    example: str
    meaning: str

    def check(self, value: str, today: date) -> None:
        """Check a value.

        Args:
            value: the value, as the user gave it.
            today: the UTC date for which the query is answered.

        Raises:
            ParameterError: it is not of the parameter's type.
        """
        if not _is_valid(self.type, value, today):
            example = today if self.type is ParameterType.DATE else self.example
            expected = _EXPECTED[self.type].format(today=today)
            raise ParameterError(f"{self.name} is {value!r}: expected {expected}, such as {self.name}={example}")


def read_date(text: str) -> date | None:
    """Read a date as YYYY-MM-DD; return None if it is not a date."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_values(query: str, parameters: Sequence[Parameter], given: Sequence[str], today: date) -> list[str]:
    """Return the values of a query's parameters, in the order of the parameters.

    Args:
        query: the name of the query, for the error.
        parameters: its parameters.
        given: ``NAME=VALUE`` for each parameter, in any order; or only the values, none with a ``=``, in order.
        today: the UTC date for which the query is answered.

    Raises:
        ParameterError: a name is unknown, missing or repeated, or a value is not of its parameter's type.
    """
    values = _by_name(query, parameters, given)
    check_values(query, parameters, list(values.values()), today)
    return list(values.values())


def check_values(query: str, parameters: Sequence[Parameter], values: Sequence[str], today: date) -> None:
    """Check that there is a value of the right type for each parameter, in order.

    Raises:
        ParameterError: there is not.
    """
    if len(values) > len(parameters):
        raise ParameterError(f"{values[len(parameters)]!r}: expected {_expected(query, parameters)}")
    if len(values) < len(parameters):
        raise ParameterError(f"expected {_expected(query, parameters)}")
    for parameter, value in zip(parameters, values, strict=True):
        parameter.check(value, today)


def _by_name(query: str, parameters: Sequence[Parameter], given: Sequence[str]) -> dict[str, str]:
    """Return the given values by their parameters, in the order of the parameters; some may be missing."""
    known = [parameter.name for parameter in parameters]
    unnamed = [text for text in given if "=" not in text]
    if (not known and given) or len(unnamed) not in {0, len(given)} or len(unnamed) > len(known):
        wrong = (unnamed or given)[-1]
        raise ParameterError(f"{wrong!r}: expected {_expected(query, parameters)}")
    values = dict(zip(known, unnamed, strict=False))
    for text in given[len(unnamed) :]:
        name, _, value = text.partition("=")
        if name not in known:
            raise ParameterError(f"{text!r}: expected {_expected(query, parameters)}")
        if name in values:
            raise ParameterError(f"{text!r}: expected one value for {name}, and {values[name]!r} is given too")
        values[name] = value
    if len(values) < len(known):
        raise ParameterError(f"expected {_expected(query, parameters)}")
    return {name: values[name] for name in known}


def _expected(query: str, parameters: Sequence[Parameter]) -> str:
    if not parameters:
        return f"no parameter, since {query} has none"
    described = (f"{each.name}={each.example} ({each.meaning.rstrip('.')})" for each in parameters)
    return f"the {'parameter' if len(parameters) == 1 else 'parameters'} of {query}, such as {' and '.join(described)}"


def _is_valid(kind: ParameterType, value: str, today: date) -> bool:
    match kind:
        case ParameterType.DATE:
            day = read_date(value)
            return day is not None and day <= today
        case ParameterType.TEXT:
            return is_utf_8(value) and value.strip() == value != ""
        case ParameterType.ANY_TEXT:
            return is_utf_8(value)
        case _:
            return _FORMS[kind].fullmatch(value) is not None and is_utf_8(value)


def is_utf_8(value: str) -> bool:
    """Whether a text of the command line was UTF-8: Python passes other bytes on as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)
