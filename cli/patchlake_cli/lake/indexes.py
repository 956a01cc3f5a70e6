"""The indexes of arrays and parts: Athena refuses those below 1, and DuckDB counts them from the end.

Athena refuses those of texts too.
"""

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.simplify import simplify

from patchlake_cli.lake.errors import QueryError


def keep_indexes(question: exp.Query) -> None:
    """Write each index as the user did.

    sqlglot's parser counts from 0, unless it knows at once that the brackets are those of a map; its generator adds 1
    again, unless it knows by then.

    Args:
        question: the SELECT as it was parsed, which is changed.
    """
    for bracket in question.find_all(exp.Bracket):
        if not bracket.args.get("offset"):
            [index] = bracket.expressions
            is_whole = annotate_types(index, dialect="athena").is_type(*exp.DataType.INTEGER_TYPES)
            # The type that the parser has found for it.
            if is_whole and bracket.this.is_type(exp.DType.ARRAY, exp.DType.UNKNOWN):
                index.replace(simplify(index.copy() + 1))
            bracket.set("offset", 1)


def require_indexes(tree: exp.Expr) -> None:
    """Require that each index is that of an array or map: a number from 1, or a key.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: an index is another one, or that of a text, or is not written out.
    """
    for part in tree.find_all(exp.Bracket, exp.ArraySlice):
        _require_array(part.this)
    for bracket in tree.find_all(exp.Bracket):
        [index] = bracket.expressions
        if bracket.args.get("safe"):
            if index.is_int and index.to_py() == 0 and not bracket.this.is_type(exp.DType.MAP):
                raise QueryError(f"{_written(bracket)}: an index must be a whole number, and not 0")
        elif not (bracket.this.is_type(exp.DType.MAP) or index.is_string or _is_number_from(1, index)):
            array = _written(bracket.this)
            raise QueryError(f"an index of {array} must be a whole number from 1: use element_at() for others")
    for part in tree.find_all(exp.ArraySlice):
        if part.args["start"].is_int and part.args["start"].to_py() == 0:
            raise QueryError(f"{_written(part)}: an index must be a whole number, and not 0")
    for split in tree.find_all(exp.SplitPart):
        if not _is_number_from(1, split.args["part_index"]):
            raise QueryError(f"{_written(split)}: an index must be a whole number from 1, such as 2")


def _require_array(array: exp.Expr) -> None:
    if isinstance(array.unnest(), exp.Placeholder) or array.is_type(*exp.DataType.TEXT_TYPES):
        raise QueryError(f"{_written(array)} is text, and not an array: use substr() for a part of it")


def _is_number_from(least: int, index: exp.Expr) -> bool:
    return isinstance(index, exp.Literal) and index.is_int and int(index.to_py()) >= least


def _written(part: exp.Expr) -> str:
    return part.sql(dialect="athena")
