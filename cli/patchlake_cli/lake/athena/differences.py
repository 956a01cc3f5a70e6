"""The functions of Athena that DuckDB answers in another way, and that sqlglot does not adapt.

In Athena, ``date_diff`` counts whole units (DuckDB: crossed boundaries), ``count_if`` over only NULL is 0 (NULL),
``max_by`` and ``min_by`` treat NULL as a value (they skip it), Sunday is the day 7 of a week (0), ``slice`` takes a
length (a last place), ``array_position`` of an absent value is 0 (NULL), ``$1`` is a group in the replacement of
``regexp_replace`` (a text), ``format`` writes NULL as ``null`` (is NULL), ``trim`` removes all white space (blanks),
``sequence`` counts down too (only up), ``array_join`` of only NULLs is an empty text (NULL), ``map_concat`` with NULL
is NULL (leaves it out), a date plus an interval is a date (a time), a time as text has milliseconds (as many digits as
it needs), a decimal without sizes has no decimal places (three), the quotient, ``floor`` and ``ceil`` of whole numbers
are whole numbers (doubles), what ``regexp_extract`` and ``split_part`` do not find is NULL (empty), a part of a text
from outside of it is empty (what is inside), and a NULL in an array may be the largest value (is skipped).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from patchlake.adapters.one_line import one_line
from patchlake_cli.lake.athena.failures import refused_if
from patchlake_cli.lake.athena.maps import whole_call
from patchlake_cli.lake.athena.patterns import Group, group_of, groups_of, groups_of_repeated, require_group
from patchlake_cli.lake.athena.text_formats import formatted
from patchlake_cli.lake.athena.time_texts import prepared
from patchlake_cli.lake.errors import QueryError

_REPLACED = re.compile(r"\\(?P<itself>.)|\$(?P<digits>[0-9]+)|(?P<alone>[\\$])", re.DOTALL)
"""The parts of a replacement that Athena does not take as they are."""
_WHITE_SPACE = r"[\x09-\x0d\x1c-\x20\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]+"
"""What Athena trims: white space as Java defines it, without the spaces that do not break."""
_FIELDS: Mapping[str, type[exp.Func]] = {
    **dict.fromkeys(("day_of_week", "dow"), exp.DayOfWeekIso),
    "day_of_month": exp.DayOfMonth,
    **dict.fromkeys(("day_of_year", "doy"), exp.DayOfYear),
    **dict.fromkeys(("year_of_week", "yow"), exp.YearOfWeek),
}
"""The functions that give a field of extract() in both."""
_WHOLE_DECIMAL = exp.DataType.build("DECIMAL(38, 0)")
"""A decimal without sizes; in DuckDB, it has three decimal places."""
_LAST_GROUP = 9
"""That of the last group that DuckDB can replace with."""
_UNITS_OF_DATES = frozenset({"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})


def adapt(tree: exp.Expr, now: datetime) -> None:
    """Put what DuckDB answers as Athena does in place of such functions, and ``now`` in place of the current time.

    Args:
        tree: the SELECT, which is changed.
        now: the time that the time functions return.

    Raises:
        QueryError: a text that has another form in DuckDB is not written out.
    """
    for percentile in list(tree.find_all(exp.ApproxQuantile)):
        if percentile.is_type(*exp.DataType.INTEGER_TYPES):
            whole = whole_call(percentile)
            whole.replace(exp.cast(whole.copy(), "BIGINT"))
    moment = now.astimezone(UTC)
    times: dict[type[exp.Expr], exp.Expr] = {
        exp.CurrentDate: _constant(moment.date().isoformat(), "DATE"),
        exp.CurrentTime: _constant(moment.time().isoformat("seconds"), "TIME"),
        exp.CurrentTimestamp: _constant(moment.replace(tzinfo=None).isoformat(" ", "seconds"), "TIMESTAMP"),
    }
    times |= {exp.Localtime: times[exp.CurrentTime], exp.Localtimestamp: times[exp.CurrentTimestamp]}
    # From the leaves, since a function may be an argument of another one.
    for node in reversed(list(tree.bfs())):
        if type(node) in times:
            node.replace(times[type(node)].copy())
        elif type(node) in _ADAPTED:
            # Not a copy, of which a sum of many would need as many.
            place, of_type = exp.Null(), node.type
            node.replace(place)
            adapted = _ADAPTED[type(node)](node)
            # A division is one of integers only if the types are known; a cast has its own.
            if not isinstance(adapted, exp.Cast):
                adapted.type = of_type
            place.replace(adapted)


def _constant(text: str, of_type: str) -> exp.Expr:
    return exp.cast(exp.Literal.string(text), of_type)


def _cast(node: exp.Cast) -> exp.Expr:
    node.set("this", prepared(node.this, node.to))
    for number in node.to.find_all(exp.DataType):
        if number.is_type(exp.DType.DECIMAL) and not number.expressions:
            number.replace(_WHOLE_DECIMAL.copy())
    if node.this.is_type(exp.DType.DOUBLE, exp.DType.FLOAT) and node.to.is_type(*exp.DataType.INTEGER_TYPES):
        # DuckDB takes the even number of two that are equally near.
        node.set("this", exp.Round(this=node.this))
    if isinstance(node, exp.TryCast) and node.to.is_type(exp.DType.ARRAY, exp.DType.MAP, exp.DType.STRUCT):
        # DuckDB would put a NULL in place of each part that it cannot cast.
        return exp.Try(this=exp.cast(node.this, node.to))
    lengths = node.to.expressions
    if not (node.to.is_type(exp.DType.VARCHAR) and lengths):
        return node
    node.set("to", exp.DataType.build("VARCHAR"))
    return exp.Substring(this=node, start=exp.Literal.number(1), length=lengths[0].this)


def _date(node: exp.Date) -> exp.Expr:
    node.set("this", prepared(node.this, exp.DataType.build("DATE")))
    return node


def _read_time(node: exp.Expr) -> exp.Expr:
    # A text of such a function has a form of its own.
    node.set("this", prepared(node.this, exp.DataType.build("TIMESTAMPTZ")))
    return node


def _array_join(node: exp.ArrayToString) -> exp.Expr:
    node.set("this", prepared(node.this, exp.DataType.build("ARRAY<VARCHAR>")))
    # DuckDB's text of an array of only NULLs is NULL.
    is_known = node.this.copy().is_(exp.Null()).not_()
    return exp.Case().when(is_known, exp.Coalesce(this=node, expressions=[exp.Literal.string("")]))


def _named(node: exp.Anonymous) -> exp.Expr:
    if node.name.lower() != "map_concat":
        return node
    # DuckDB leaves a NULL out.
    known = exp.and_(*(part.copy().is_(exp.Null()).not_() for part in node.expressions))
    return exp.Case().when(known, node)


def _trim(node: exp.Trim) -> exp.Expr:
    if node.expression is not None:
        return node
    sides = {"LEADING": f"^{_WHITE_SPACE}", "TRAILING": f"{_WHITE_SPACE}$"}
    pattern = sides.get(node.text("position"), "|".join(sides.values()))
    replaced = [exp.Literal.string(text) for text in (pattern, "", "g")]
    return exp.Anonymous(this="regexp_replace", expressions=[node.this, *replaced])


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


def _listagg(node: exp.GroupConcat) -> exp.Expr:
    if node.args.get("separator") is None:
        node.set("separator", exp.Literal.string(""))
    return node


def _sequence(node: exp.GenerateSeries) -> exp.Expr:
    first, last = node.args["start"], node.args["end"]
    of_dates = first.is_type(exp.DType.DATE)
    if node.args.get("step") is None:
        up, down = (
            exp.Interval(this=exp.Literal.string(step), unit=exp.var("DAY")) if of_dates else exp.Literal.number(step)
            for step in ("1", "-1")
        )
        node.set("step", exp.Case().when(exp.LTE(this=first.copy(), expression=last.copy()), up).else_(down))
    if not of_dates:
        step = node.args["step"]
        away = exp.or_(exp.and_(step.copy() > 0, first > last), exp.and_(step.copy() < 0, first < last))
        problem = " is no step from the first number of sequence() to the last"
        node.set("step", refused_if(exp.or_(step.copy().eq(0), away), step, problem))
    # DuckDB does not count up to a sum, which has 128 bits.
    for name in () if of_dates else ("start", "end"):
        node.set(name, exp.cast(node.args[name], "BIGINT"))
    return exp.cast(node, "DATE[]") if of_dates else node


def _divide(node: exp.Div) -> exp.Expr:
    if not all(operand.is_type(*exp.DataType.INTEGER_TYPES) for operand in (node.this, node.expression)):
        return node
    return exp.cast(exp.IntDiv(this=node.this, expression=node.expression), "BIGINT")


def _whole(node: exp.Ceil | exp.Floor) -> exp.Expr:
    number: exp.Expr = node.this
    return exp.paren(number, copy=False) if number.is_type(*exp.DataType.INTEGER_TYPES) else node


def _sign(node: exp.Sign) -> exp.Expr:
    """Keep the sign of a double from becoming a whole number."""
    return exp.cast(node, "DOUBLE") if node.this.is_type(exp.DType.DOUBLE) else node


def _operator(node: exp.Expr) -> exp.Expr:
    # An operator in DuckDB, which binds in another way than a function.
    return exp.paren(node)


def _date_diff(node: exp.DateDiff) -> exp.Expr:
    unit = exp.Literal.string(node.text("unit").lower())
    return exp.Anonymous(this="date_sub", expressions=[unit, node.expression, node.this])


def _count_if(node: exp.CountIf) -> exp.Expr:
    return exp.Count(this=exp.Case().when(node.this, exp.Literal.number(1)))


def _max_by(node: exp.ArgMax) -> exp.Expr:
    return exp.Anonymous(this="arg_max_null", expressions=[node.this, node.expression])


def _min_by(node: exp.ArgMin) -> exp.Expr:
    return exp.Anonymous(this="arg_min_null", expressions=[node.this, node.expression])


def _extract(node: exp.Extract) -> exp.Expr:
    function = _FIELDS.get(node.name.lower())
    return function(this=node.expression) if function else node


def _slice(node: exp.ArraySlice) -> exp.Expr:
    start, length = node.args["start"], node.args["end"]
    last = exp.paren(start + length - 1)
    # Before the end, places are negative, and the last is -1.
    end = exp.Case().when(exp.and_(start < 0, last >= 0), exp.Literal.number(-1)).else_(last)
    return exp.Anonymous(this="array_slice", expressions=[node.this, start, end])


def _array_position(node: exp.ArrayPosition) -> exp.Expr:
    known = exp.and_(node.this.is_(exp.Null()).not_(), node.expression.is_(exp.Null()).not_())
    return exp.Case().when(known, exp.Coalesce(this=node, expressions=[exp.Literal.number(0)]))


def _regexp_extract(node: exp.RegexpExtract) -> exp.Expr:
    if group_of(node, groups_of(node.expression)).may_be_empty:
        matches = exp.RegexpLike(this=node.this.copy(), expression=node.expression.copy())
        return exp.Case().when(matches, node)
    return _null_if_empty(node)


def _regexp_extract_all(node: exp.RegexpExtractAll) -> exp.Expr:
    if group_of(node, groups_of_repeated(node.expression)).may_be_absent:
        found = exp.to_identifier("found")
        return exp.Transform(this=node, expression=exp.Lambda(this=_null_if_empty(found), expressions=[found.copy()]))
    return node


def _null_if_empty(text: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=text, expression=exp.Literal.string(""))


def _regexp_like(node: exp.RegexpLike) -> exp.Expr:
    groups_of(node.expression)
    return node


def _of_every_match(node: exp.RegexpCount | exp.RegexpSplit) -> exp.Expr:
    groups_of_repeated(node.expression)
    return node


def _regexp_replace(node: exp.RegexpReplace) -> exp.Expr:
    groups = groups_of_repeated(node.expression)
    replacement = node.args.get("replacement")
    if replacement is not None:
        if not isinstance(replacement, exp.Literal):
            raise QueryError("the replacement of regexp_replace() must be one text in quotes")
        replacement.set("this", _REPLACED.sub(lambda part: _replaced(part, groups), replacement.name))
    return node


def _replaced(part: re.Match[str], groups: Sequence[Group]) -> str:
    """Return a part of a replacement as DuckDB writes it: a group, or a character that is itself.

    Raises:
        QueryError: the pattern has no such group, or it is none of both.
    """
    if part["alone"]:
        raise QueryError(rf"'{one_line(part.string)}': in a replacement, write \{part['alone']} for the character")
    if digits := part["digits"]:
        require_group(int(digits[0]), groups)
        size = next(size for size in range(len(digits), 0, -1) if int(digits[:size]) < len(groups))
        if int(digits[:size]) > _LAST_GROUP:
            raise QueryError(f"'{one_line(part.string)}': a replacement can have the groups up to ${_LAST_GROUP}")
        return f"\\{int(digits[:size])}{digits[size:]}"
    return part["itself"].replace("\\", r"\\")


def _array_extreme(node: exp.ArrayMax | exp.ArrayMin) -> exp.Expr:
    return exp.Case().when(_has_no_null(node.this), node)


def _contains(node: exp.ArrayContains) -> exp.Expr:
    return exp.Case().when(exp.or_(node.copy(), _has_no_null(node.this)), node)


def _has_no_null(array: exp.Expr) -> exp.Expr:
    count, length = (exp.Anonymous(this=name, expressions=[array.copy()]) for name in ("list_count", "len"))
    return count.eq(length)


def _substring(node: exp.Substring) -> exp.Expr:
    start, length = node.args.get("start"), node.args.get("length")
    if start is None or all(part is None or (part.is_int and part.to_py() > 0) for part in (start, length)):
        return node
    # A sum has 128 bits, which DuckDB takes no part of a text by.
    node.set("start", exp.cast(start.copy(), "BIGINT"))
    node.set("length", length and exp.cast(length.copy(), "BIGINT"))
    known = [part.copy().is_(exp.Null()).not_() for part in (node.this, start, length) if part is not None]
    size = exp.Anonymous(this="length", expressions=[node.this.copy()])
    outside = [start.copy().eq(0), exp.Neg(this=exp.paren(start.copy())) > size]
    if length is not None:
        outside.append(length.copy() <= 0)
    return exp.Case().when(exp.and_(*known, exp.or_(*outside)), exp.Literal.string("")).else_(node)


def _split(node: exp.Split) -> exp.Expr:
    separator = node.expression
    if not (isinstance(separator, exp.Literal) and separator.name):
        is_empty = separator.copy().eq(exp.Literal.string(""))
        problem = "the text that split() splits by must not be empty"
        node.set("expression", refused_if(is_empty, separator, problem, of_type="VARCHAR"))
    return node


def _replace(node: exp.Replace) -> exp.Expr:
    """Put the replacement of an empty text before each character, and at the end."""
    search, replacement = node.expression, node.args.get("replacement")
    if replacement is None or (isinstance(search, exp.Literal) and search.name):
        return node
    escaped = exp.Replace(
        this=replacement.copy(), expression=exp.Literal.string("\\"), replacement=exp.Literal.string(r"\\")
    )
    everywhere = [node.this.copy(), exp.Literal.string(""), escaped, exp.Literal.string("g")]
    is_empty = search.copy().eq(exp.Literal.string(""))
    return exp.Case().when(is_empty, exp.Anonymous(this="regexp_replace", expressions=everywhere)).else_(node)


def _split_part(node: exp.SplitPart) -> exp.Expr:
    parts = exp.Split(this=node.this, expression=node.args["delimiter"])
    return exp.Anonymous(this="list_extract", expressions=[parts, node.args["part_index"]])


_ADAPTED: Mapping[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    exp.Add: _add,
    exp.Anonymous: _named,
    exp.ArgMax: _max_by,
    exp.ArgMin: _min_by,
    exp.ArrayContains: _contains,
    exp.ArrayMax: _array_extreme,
    exp.ArrayMin: _array_extreme,
    exp.ArrayPosition: _array_position,
    exp.ArraySlice: _slice,
    exp.ArrayToString: _array_join,
    exp.BitwiseAnd: _operator,
    exp.BitwiseNot: _operator,
    exp.BitwiseOr: _operator,
    exp.BitwiseXor: _operator,
    exp.Cast: _cast,
    exp.Ceil: _whole,
    exp.Concat: _operator,
    exp.CountIf: _count_if,
    exp.Date: _date,
    exp.DateAdd: _date_of_date,
    exp.DateDiff: _date_diff,
    exp.DateTrunc: _date_of_date,
    exp.Div: _divide,
    exp.Extract: _extract,
    exp.Floor: _whole,
    exp.Format: formatted,
    exp.FromISO8601Date: _read_time,
    exp.FromISO8601Timestamp: _read_time,
    exp.GenerateSeries: _sequence,
    exp.GroupConcat: _listagg,
    exp.RegexpCount: _of_every_match,
    exp.RegexpExtract: _regexp_extract,
    exp.RegexpExtractAll: _regexp_extract_all,
    exp.RegexpLike: _regexp_like,
    exp.RegexpReplace: _regexp_replace,
    exp.RegexpSplit: _of_every_match,
    exp.Replace: _replace,
    exp.Sign: _sign,
    exp.Split: _split,
    exp.SplitPart: _split_part,
    exp.StrToTime: _read_time,
    exp.Sub: _add,
    exp.Substring: _substring,
    exp.TimestampTrunc: _date_of_date,
    exp.Trim: _trim,
    exp.TryCast: _cast,
}
