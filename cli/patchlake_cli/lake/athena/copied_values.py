"""The values that DuckDB's SQL has several times, for a check or for NULL: nested, they would take forever."""

from sqlglot import exp

from patchlake_cli.lake.athena.complaints import TOO_DEEP
from patchlake_cli.lake.errors import QueryError

_COPIED = (
    exp.ArrayContains,
    exp.ArrayMax,
    exp.ArrayMin,
    exp.ArrayPosition,
    exp.ArraySlice,
    exp.ArrayToString,
    exp.Bracket,
    exp.GenerateSeries,
    exp.RegexpExtract,
)
_COMPARISONS = (exp.Between, exp.EQ, exp.GT, exp.GTE, exp.In, exp.LT, exp.LTE, exp.NEQ)
_MOST_LEVELS = 4
"""Each level makes the SQL about four times as long."""


def require_few_levels(tree: exp.Expr) -> None:
    """Require that such values are not nested deeply.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: they are.
    """
    waiting = [(tree, 0)]
    while waiting:
        node, levels = waiting.pop()
        levels += _is_copied(node)
        if levels > _MOST_LEVELS:
            raise QueryError(TOO_DEEP)
        waiting += [(part, levels) for part in node.iter_expressions()]


def _is_copied(node: exp.Expr) -> bool:
    match node:
        case exp.Replace() | exp.Split() | exp.Substring():
            # Only if an argument is calculated.
            _, *arguments = node.iter_expressions()
            return not all(isinstance(argument, exp.Literal) for argument in arguments)
        case _ if isinstance(node, _COMPARISONS):
            return any(side.is_type(exp.DType.DOUBLE, exp.DType.FLOAT) for side in node.iter_expressions())
        case _:
            return isinstance(node, _COPIED)
