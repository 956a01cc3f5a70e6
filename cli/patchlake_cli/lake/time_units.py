"""The units of the functions of times: DuckDB has more, and gives a date hours."""

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError

_UNITS_OF_TIMES = ("millisecond", "second", "minute", "hour")
_UNITS = (*_UNITS_OF_TIMES, "day", "week", "month", "quarter", "year")
_FIELDS = (*_UNITS[1:], "day_of_week", "dow", "doy")


def require_units(tree: exp.Expr) -> None:
    """Require the units and fields that Athena has, and those of days for a date.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: a unit is another one, or is not written out.
    """
    for field in (extract.name for extract in tree.find_all(exp.Extract)):
        if field.lower() not in _FIELDS:
            raise QueryError(f"{field.lower()} is not a field of extract(): use {', '.join(_FIELDS)}")
    for call in tree.find_all(exp.DateAdd, exp.DateDiff, exp.DateTrunc, exp.TimestampTrunc):
        unit = call.text("unit").lower()
        if unit not in _UNITS:
            raise QueryError(f"{unit or 'this'} is not a unit: use {', '.join(_UNITS)}")
        times = [call.this, call.expression] if isinstance(call, exp.DateDiff) else [call.this]
        for date in (time for time in times if time.is_type(exp.DType.DATE) and unit in _UNITS_OF_TIMES):
            raise QueryError(f"a date has no {unit}s: write CAST({date.sql(dialect='athena')} AS timestamp)")
