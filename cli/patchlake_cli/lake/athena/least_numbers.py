"""The numbers that a function takes from a least one on: Athena refuses lower ones, and DuckDB answers them."""

from sqlglot import exp

from patchlake_cli.lake.athena.failures import refused_if

_LEAST: tuple[tuple[type[exp.Expr], str, int], ...] = (
    (exp.Lag, "offset", 0),
    (exp.Lead, "offset", 0),
    (exp.NthValue, "offset", 1),
    (exp.ArraySlice, "end", 0),
    (exp.Pad, "expression", 0),
    (exp.SplitPart, "part_index", 1),
)
"""The functions with such an argument, its name for sqlglot, and the least number."""


def refuse_lower_numbers(tree: exp.Expr) -> None:
    """Let the SELECT fail where a number is lower than its function takes.

    Args:
        tree: the SELECT, which is changed.
    """
    for function, argument, least in _LEAST:
        for called in tree.find_all(function):
            number = called.args.get(argument)
            if number is not None:
                called.set(argument, refused_if(number.copy() < least, number, f" must be a whole number from {least}"))
