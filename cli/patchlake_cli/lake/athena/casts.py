"""The casts of a SELECT: Athena has fewer than DuckDB, and cuts only texts to the length of a varchar."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError

_ARRAY, _MAP, _ROW, _TEXT = "an array", "a map", "a row", "text"
_KINDS: Mapping[str, AbstractSet[exp.DType]] = {
    _TEXT: exp.DataType.TEXT_TYPES,
    "a number": exp.DataType.NUMERIC_TYPES,
    "a boolean": {exp.DType.BOOLEAN},
    "bytes": {exp.DType.BINARY, exp.DType.VARBINARY},
    "a date": {exp.DType.DATE},
    "a time of day": {exp.DType.TIME},
    "a time": {exp.DType.DATETIME, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ},
    "a UUID": {exp.DType.UUID},
    _ARRAY: {exp.DType.ARRAY, exp.DType.LIST},
    _MAP: {exp.DType.MAP},
    _ROW: {exp.DType.STRUCT},
}
_CASTS: Mapping[str, AbstractSet[str]] = {
    _TEXT: {"a number", "a boolean", "a date", "a time of day", "a time", "a UUID"},
    "a number": {"a boolean", _TEXT},
    "a boolean": {"a number", _TEXT},
    "bytes": frozenset(),
    "a date": {"a time", _TEXT},
    "a time of day": {_TEXT},
    "a time": {"a date", "a time of day", _TEXT},
    "a UUID": {_TEXT},
    **dict.fromkeys((_ARRAY, _MAP, _ROW), frozenset()),
}
"""The other kinds to which Athena casts a value of each kind."""


def require_casts(tree: exp.Expr) -> None:
    """Require that Athena has each cast, as far as types are known.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: Athena does not have one, or would refuse a value that does not fit.
    """
    for cast in tree.find_all(exp.Cast):
        if isinstance(cast.this.type, exp.DataType):
            _require(cast, cast.this.type, cast.to)
    for joined in tree.find_all(exp.ArrayToString):
        for element in joined.this.type.expressions if isinstance(joined.this.type, exp.DataType) else []:
            _require(joined, element, exp.DataType.build("VARCHAR"))


def _require(whole: exp.Expr, of: exp.DataType, to: exp.DataType, *, is_part: bool = False) -> None:
    kind, other = _kind(of), _kind(to)
    if kind is None or other is None:
        return
    written = whole.sql(dialect="athena")
    if other != kind and other not in _CASTS[kind]:
        raise QueryError(f"{written}: Athena has no cast of {kind} to {to.sql(dialect='athena')}")
    if other == _TEXT and to.expressions and (kind != _TEXT or is_part):
        raise QueryError(f"{written}: only a text itself is cut: cast to varchar, and use substr() for a part of it")
    if other in {_ARRAY, _MAP, _ROW}:
        for parts in zip(of.expressions, to.expressions, strict=False):
            _require(whole, *(part.args.get("kind", part) for part in parts), is_part=True)


def _kind(found: exp.DataType) -> str | None:
    return next((kind for kind, types in _KINDS.items() if found.is_type(*types)), None)
