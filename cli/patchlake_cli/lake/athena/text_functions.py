"""The functions of texts.

In Athena, ``trim`` removes all white space (DuckDB: blanks), a part from outside of a text is empty (what is inside),
``split_part`` that finds nothing is NULL (empty), ``replace`` finds an empty text before each character and at the end
(nowhere), ``split`` by one fails (gives each character), and ``listagg`` without a separator has none (a comma).
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from patchlake_cli.lake.athena.failures import refused_if
from patchlake_cli.lake.athena.text_formats import formatted

_WHITE_SPACE = r"[\x09-\x0d\x1c-\x20\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]+"
"""What Athena trims: white space as Java defines it, without the spaces that do not break."""


def _trim(node: exp.Trim) -> exp.Expr:
    if node.expression is not None:
        return node
    sides = {"LEADING": f"^{_WHITE_SPACE}", "TRAILING": f"{_WHITE_SPACE}$"}
    pattern = sides.get(node.text("position"), "|".join(sides.values()))
    replaced = [exp.Literal.string(text) for text in (pattern, "", "g")]
    trimmed = exp.Anonymous(this="regexp_replace", expressions=[node.this, *replaced])
    if not isinstance(node.this, exp.Column):
        return trimmed
    # Nearly every text begins and ends with a visible character of ASCII, and to see that takes less than the pattern.
    name = node.this.sql("duckdb")
    visible = " AND ".join(f"ascii({end}) BETWEEN 33 AND 126" for end in (name, f"{name}[-1]"))
    return exp.case().when(exp.condition(visible, dialect="duckdb"), node.this.copy()).else_(trimmed)


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


def _listagg(node: exp.GroupConcat) -> exp.Expr:
    if node.args.get("separator") is None:
        node.set("separator", exp.Literal.string(""))
    return node


TEXT_FUNCTIONS: Mapping[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    exp.Format: formatted,
    exp.GroupConcat: _listagg,
    exp.Replace: _replace,
    exp.Split: _split,
    exp.SplitPart: _split_part,
    exp.Substring: _substring,
    exp.Trim: _trim,
}
"""How each is written for DuckDB."""
