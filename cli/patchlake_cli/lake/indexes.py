"""The indexes of arrays and parts: Athena refuses those below 1, and DuckDB counts them from the end."""

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError


def require_indexes(tree: exp.Expr) -> None:
    """Require that each index is a number from 1, or a key of a map.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: an index is another one, or is not written out.
    """
    for bracket in tree.find_all(exp.Bracket):
        [index] = bracket.expressions
        if bracket.args.get("safe"):
            if index.is_int and index.to_py() == 0 and not bracket.this.is_type(exp.DType.MAP):
                raise QueryError(f"{_written(bracket)}: an index must be a whole number, and not 0")
        # sqlglot counts from 0 here.
        elif not (bracket.this.is_type(exp.DType.MAP) or index.is_string or _is_number_from(0, index)):
            array = _written(bracket.this)
            raise QueryError(f"an index of {array} must be a whole number from 1: use element_at() for others")
    for part in tree.find_all(exp.ArraySlice):
        if part.args["start"].is_int and part.args["start"].to_py() == 0:
            raise QueryError(f"{_written(part)}: an index must be a whole number, and not 0")
    for split in tree.find_all(exp.SplitPart):
        if not _is_number_from(1, split.args["part_index"]):
            raise QueryError(f"{_written(split)}: an index must be a whole number from 1, such as 2")


def _is_number_from(least: int, index: exp.Expr) -> bool:
    return isinstance(index, exp.Literal) and index.is_int and int(index.to_py()) >= least


def _written(part: exp.Expr) -> str:
    return part.sql(dialect="athena")
