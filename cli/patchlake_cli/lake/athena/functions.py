"""The functions that a SELECT of the user may call: DuckDB answers each as Athena does, or almost.

``docs/queries.md`` lists them, and where the results differ. DuckDB has hundreds of others, some of them with a name of
Athena's and another result, and sqlglot translates some without a part of their arguments.
"""

from textwrap import shorten

from sqlglot import exp

from patchlake.core.counts import counted
from patchlake_cli.lake.athena.grammar import Name, names_in
from patchlake_cli.similar_names import suggested

FUNCTIONS = {
    "Conditions": "coalesce greatest if least nullif try try_cast",
    "Numbers": (
        "abs acos asin atan atan2 bitwise_and bitwise_not bitwise_or bitwise_xor cbrt ceil ceiling cos degrees exp "
        "floor ln log log10 log2 mod pi pow power radians round sign sin sqrt tan truncate"
    ),
    "Text": (
        "chr concat concat_ws format length levenshtein_distance lower lpad ltrim position regexp_count "
        "regexp_extract regexp_extract_all regexp_like regexp_replace regexp_split replace rpad rtrim split "
        "split_part starts_with strpos substr substring translate trim upper"
    ),
    "Times": (
        "current_date current_time current_timestamp date date_add date_diff date_format date_parse date_trunc day "
        "day_of_month day_of_week day_of_year dow doy extract from_iso8601_date from_iso8601_timestamp "
        "from_unixtime hour last_day_of_month localtime localtimestamp minute month now quarter second to_unixtime "
        "week week_of_year year year_of_week"
    ),
    "Arrays and maps": (
        "array_agg array_join array_max array_min array_position array_sort cardinality contains element_at filter "
        "flatten map map_concat map_keys map_values sequence slice transform unnest"
    ),
    "Aggregates": (
        "any_value approx_distinct approx_percentile arbitrary avg bitwise_and_agg bitwise_or_agg bool_and bool_or "
        "count count_if geometric_mean grouping histogram listagg max max_by min min_by stddev stddev_pop "
        "stddev_samp sum var_pop var_samp variance"
    ),
    "Windows": ("cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number"),
    "Bytes": "from_base64 from_hex from_utf8 md5 sha256 to_base64 to_hex to_utf8",
}
"""Their names, by subject."""

NAMES = frozenset(" ".join(FUNCTIONS.values()).split())

_SYNTAX = (
    "Add Alias All And Any ArgMax ArgMin Array Between BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Boolean Bracket "
    "CTE Case Cast Ceil Chr Coalesce Column ColumnDef Cube CurrentDate CurrentTime CurrentTimestamp DPipe DataType "
    "DataTypeParam Distinct Div Dot EQ Escape Except Exists Extract Fetch Filter Floor From GT GTE Group "
    "GroupConcat GroupingSets Having HexString Identifier If IgnoreNulls In Intersect Interval Is Join LT LTE "
    "Lambda Lateral Like Limit LimitOptions Literal Localtime Localtimestamp Mod Mul NEQ Neg Not Null NullSafeEQ "
    "NullSafeNEQ Offset Or Order Ordered Paren Placeholder RespectNulls Rollup Select Star StrPosition Sub Subquery "
    "Substring Table TableAlias Trim TryCast Tuple UnicodeString Union Unnest Values Var Where Window "
    "WindowSpec With WithinGroup"
)
"""What else a SELECT may consist of, by sqlglot's names: the functions among these have a syntax of their own."""
_PARTS = frozenset(_SYNTAX.split())

_TYPES = (
    *("array", "bigint", "boolean", "date", "decimal", "double", "int", "integer", "map", "real", "row"),
    *("smallint", "time", "timestamp", "tinyint", "uuid", "varbinary", "varchar"),
)
"""The types that a SELECT may name."""

_NUMBERS_OF_ARGUMENTS = {
    (0, 0): "cume_dist dense_rank now percent_rank pi rank row_number",
    (0, 1): "count",
    (0, 2): "map",
    (1, 1): (
        "abs acos any_value approx_distinct arbitrary array_agg array_max array_min array_sort asin atan avg "
        "bitwise_and_agg bitwise_not bitwise_or_agg bool_and bool_or cardinality cbrt ceil ceiling chr cos count_if "
        "date day day_of_month day_of_week day_of_year degrees dow doy exp first_value flatten floor from_base64 "
        "from_hex from_iso8601_date from_iso8601_timestamp from_unixtime from_utf8 geometric_mean histogram hour "
        "last_day_of_month last_value length ln log10 log2 lower map_keys map_values md5 minute month ntile quarter "
        "radians second sha256 sign sin sqrt stddev stddev_pop stddev_samp sum tan to_base64 to_hex to_unixtime "
        "to_utf8 try upper var_pop var_samp variance week week_of_year year year_of_week"
    ),
    (1, 2): "ltrim max min round rtrim trim truncate",
    (1, 3): "lag lead",
    (1, None): "greatest least",
    (2, 2): (
        "approx_percentile array_position atan2 bitwise_and bitwise_or bitwise_xor contains date_format date_parse "
        "date_trunc element_at filter levenshtein_distance log max_by min_by mod nth_value nullif pow power "
        "regexp_count regexp_like regexp_split split starts_with strpos transform"
    ),
    (2, 3): "array_join if regexp_extract regexp_extract_all regexp_replace replace sequence substr substring",
    (2, None): "coalesce concat concat_ws format map_concat",
    (3, 3): "date_add date_diff lpad rpad slice split_part translate",
}
"""The least and the most arguments of the functions that are called by their names, as far as they are supported."""
LEAST_AND_MOST = {name: numbers for numbers, names in _NUMBERS_OF_ARGUMENTS.items() for name in names.split()}


def find_other(question: exp.Query, sql: str) -> str | None:
    """Find a part of a SELECT that may be answered in another way than in Athena.

    Args:
        question: the parsed SELECT.
        sql: its text.

    Returns:
        what is wrong; None if there is no such part.
    """
    for part in question.walk():
        # Of a function that is called by its name.
        start: int | None = part.meta.get("start") if isinstance(part, exp.Func) else None
        name = type(part).__name__ if start is None else sql[start : part.meta["end"] + 1].strip('"').lower()
        if name not in (_PARTS if start is None else NAMES):
            return f"{shorten(part.sql(), 60, placeholder='…')} is not supported"
    return None


def find_other_name(sql: str) -> tuple[int, str] | None:
    """Find a function or type that Athena does not have so: sqlglot knows it by several names, and drops arguments.

    Args:
        sql: a statement, without a semicolon.

    Returns:
        its position and what is wrong; None if there is none.

    Raises:
        GrammarError: it is not a statement of Athena.
    """
    for name in names_in(sql):
        if complaint := _complaint(name):
            return name.position, complaint
    return None


def _complaint(name: Name) -> str | None:
    if name.arguments is None:
        return None if name.text in _TYPES else f"{name.text} is not a supported type: use {', '.join(_TYPES)}"
    # The others have a syntax of their own, so that another function has their name.
    if name.text not in LEAST_AND_MOST:
        return (
            f"{name.text}() is not supported{suggested(name.text, sorted(LEAST_AND_MOST))} "
            "docs/queries.md lists the supported functions"
        )
    least, most = LEAST_AND_MOST[name.text]
    if name.arguments < least or (most is not None and name.arguments > most):
        number = least if name.arguments < least or most is None else most
        bound = "fewer" if name.arguments < least else "more"
        return f"{name.text}() is not supported with {bound} than {counted(number, 'argument')}"
    return None
