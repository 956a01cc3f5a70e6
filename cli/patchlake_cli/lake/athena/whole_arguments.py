"""The arguments that Athena takes only as whole numbers: DuckDB rounds a fraction, and reads a text as a number."""

from collections.abc import Iterator, Mapping

from sqlglot import exp
from sqlglot.helper import ensure_list

from patchlake_cli.lake.athena.operand_types import value_of
from patchlake_cli.lake.errors import QueryError

_WHOLE: Mapping[type[exp.Expr], tuple[str, ...]] = {
    exp.ArraySlice: ("start", "end"),
    exp.BitwiseAnd: ("this", "expression"),
    exp.BitwiseAndAgg: ("this",),
    exp.BitwiseNot: ("this",),
    exp.BitwiseOr: ("this", "expression"),
    exp.BitwiseOrAgg: ("this",),
    exp.BitwiseXor: ("this", "expression"),
    exp.Bracket: ("expressions",),
    exp.Chr: ("expressions",),
    exp.DateAdd: ("expression",),
    exp.GenerateSeries: ("start", "end", "step"),
    exp.Lag: ("offset",),
    exp.Lead: ("offset",),
    exp.Max: ("expressions",),
    exp.Min: ("expressions",),
    exp.NthValue: ("offset",),
    exp.Ntile: ("this",),
    exp.Pad: ("expression",),
    exp.Round: ("decimals",),
    exp.SplitPart: ("part_index",),
    exp.Substring: ("start", "length"),
    exp.Trunc: ("decimals",),
    exp.WindowSpec: ("start", "end"),
}
"""Their names, by function; `patterns` has the groups of patterns."""
_TYPES = (*exp.DataType.INTEGER_TYPES, *exp.DataType.TEMPORAL_TYPES, exp.DType.INTERVAL)
"""Those of a sequence of days too, which no other function takes."""


def require_whole_arguments(tree: exp.Expr) -> None:
    """Require that each of these arguments is a whole number, as far as its type shows.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: one has another type, or a type that is not known.
    """
    for call in tree.find_all(*_WHOLE):
        for argument in _arguments(call):
            value = value_of(argument)
            is_known = value.is_type(*_TYPES) and not isinstance(value, exp.Placeholder)
            if not (is_known or isinstance(value, exp.Null)):
                written = argument.unnest().sql(dialect="athena")
                raise QueryError(f"{written} must be a whole number: write CAST({written} AS integer)")


def _arguments(call: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(call, exp.WindowSpec) and call.args["kind"] == "RANGE":
        return
    if isinstance(call, exp.Bracket) and not call.this.is_type(exp.DType.ARRAY, exp.DType.LIST):
        return
    for name in _WHOLE[type(call)]:
        # An end of a window may be one of the texts UNBOUNDED and CURRENT ROW.
        yield from (each for each in ensure_list(call.args.get(name)) if isinstance(each, exp.Expr))
