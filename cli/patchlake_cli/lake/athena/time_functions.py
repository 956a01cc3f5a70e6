"""The functions of times.

In Athena, ``date_diff`` counts whole units (DuckDB: crossed boundaries), Sunday is the day 7 of a week (0), and a date
that is cut, or gets days, stays a date (becomes a time).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlglot import exp

from patchlake_cli.lake.athena.time_texts import prepared

_FIELDS: Mapping[str, type[exp.Func]] = {
    **dict.fromkeys(("day_of_week", "dow"), exp.DayOfWeekIso),
    "day_of_month": exp.DayOfMonth,
    **dict.fromkeys(("day_of_year", "doy"), exp.DayOfYear),
    **dict.fromkeys(("year_of_week", "yow"), exp.YearOfWeek),
}
"""The functions that give a field of extract() in both."""
_UNITS_OF_DATES = frozenset({"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})


def _date(node: exp.Date) -> exp.Expr:
    node.set("this", prepared(node.this, exp.DataType.build("DATE")))
    return node


def _read_time(node: exp.Expr) -> exp.Expr:
    # A text of such a function has a form of its own.
    node.set("this", prepared(node.this, exp.DataType.build("TIMESTAMPTZ")))
    return node


def _date_of_date(node: exp.Expr) -> exp.Expr:
    """Keep a date that is cut, or gets days, from becoming a time."""
    is_date = node.this.is_type(exp.DType.DATE) and node.text("unit").upper() in _UNITS_OF_DATES
    return exp.cast(node, "DATE") if is_date else node


def _add(node: exp.Add | exp.Sub) -> exp.Expr:
    """Keep a date that gets an interval of days from becoming a time."""
    units = {interval.text("unit").upper() for side in (node.this, node.expression) for interval in _intervals(side)}
    is_of_date = any(side.is_type(exp.DType.DATE) for side in (node.this, node.expression))
    return exp.cast(node, "DATE") if is_of_date and units and units <= _UNITS_OF_DATES else node


def _intervals(side: exp.Expr) -> Iterator[exp.Interval]:
    """Yield the intervals that are added, alone or multiplied."""
    part = side.unnest()
    if isinstance(part, exp.Mul):
        yield from _intervals(part.this)
        yield from _intervals(part.expression)
    elif isinstance(part, exp.Interval):
        yield part


def _date_diff(node: exp.DateDiff) -> exp.Expr:
    unit = exp.Literal.string(node.text("unit").lower())
    return exp.Anonymous(this="date_sub", expressions=[unit, node.expression, node.this])


def _extract(node: exp.Extract) -> exp.Expr:
    function = _FIELDS.get(node.name.lower())
    return function(this=node.expression) if function else node


TIME_FUNCTIONS: Mapping[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    exp.Add: _add,
    exp.Date: _date,
    exp.DateAdd: _date_of_date,
    exp.DateDiff: _date_diff,
    exp.DateTrunc: _date_of_date,
    exp.Extract: _extract,
    exp.FromISO8601Date: _read_time,
    exp.FromISO8601Timestamp: _read_time,
    exp.StrToTime: _read_time,
    exp.Sub: _add,
    exp.TimestampTrunc: _date_of_date,
}
"""How each is written for DuckDB."""
