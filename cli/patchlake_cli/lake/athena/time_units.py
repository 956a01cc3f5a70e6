"""The units of the functions of times: DuckDB has more, and gives a date hours and a time of day days."""

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError

_UNITS_OF_TIMES = ("millisecond", "second", "minute", "hour")
_UNITS = (*_UNITS_OF_TIMES, "day", "week", "month", "quarter", "year")
_FIELDS = (*_UNITS[1:], *("day_of_month", "day_of_week", "dow", "day_of_year", "doy", "year_of_week", "yow"))
_FIELDS_OF_ZONES = ("timezone_hour", "timezone_minute")


def require_units(tree: exp.Expr) -> None:
    """Require the units and fields that Athena has, for a date those of days, and for a time of day those of hours.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: a unit is another one, or is not written out.
    """
    for extract in tree.find_all(exp.Extract):
        _require_field(extract)
    for call in tree.find_all(exp.DateAdd, exp.DateDiff, exp.DateTrunc, exp.TimestampTrunc):
        unit = call.text("unit").lower()
        if unit not in _UNITS:
            raise QueryError(f"{unit or 'this'} is not a unit: use {', '.join(_UNITS)}")
        for time in [call.this, call.expression] if isinstance(call, exp.DateDiff) else [call.this]:
            _require_time(time, unit)
    for part in tree.find_all(exp.Hour, exp.Minute, exp.Second):
        _require_time(part.this, part.key)


def _require_field(extract: exp.Extract) -> None:
    field = extract.name.lower()
    if field in _FIELDS_OF_ZONES:
        raise QueryError(f"{field} is not supported: all times of the lake are in UTC")
    if field not in _FIELDS:
        raise QueryError(f"{extract.this.sql().lower()} is not a field of extract(): use {', '.join(_FIELDS)}")
    _require_time(extract.expression, field)


def _require_time(time: exp.Expr, unit: str) -> None:
    if time.is_type(exp.DType.DATE) and unit in _UNITS_OF_TIMES:
        raise QueryError(f"a date has no {unit}s: write CAST({time.sql(dialect='athena')} AS timestamp)")
    if time.is_type(exp.DType.TIME) and unit not in _UNITS_OF_TIMES:
        raise QueryError(f"{time.sql(dialect='athena')} is a time of day, which has no {unit}")
