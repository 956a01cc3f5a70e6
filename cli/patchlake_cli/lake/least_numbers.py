"""The numbers that a function takes from a least one on: Athena refuses lower ones, and DuckDB answers them."""

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError

_LEAST: tuple[tuple[type[exp.Expr], str, int], ...] = (
    (exp.Lag, "offset", 0),
    (exp.Lead, "offset", 0),
    (exp.NthValue, "offset", 1),
    (exp.ArraySlice, "end", 0),
    (exp.Pad, "expression", 0),
)
"""The functions with such an argument, its name for sqlglot, and the least number."""


def require_least_numbers(tree: exp.Expr) -> None:
    """Require that no number in the text is lower than its function takes.

    Args:
        tree: the SELECT.

    Raises:
        QueryError: one is.
    """
    for function, argument, least in _LEAST:
        for called in tree.find_all(function):
            number = called.args.get(argument)
            if number is not None and number.is_int and number.to_py() < least:
                written = called.sql(dialect="athena")
                raise QueryError(f"{written}: {number.sql()} must be a whole number from {least}")
