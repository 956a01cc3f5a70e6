"""The functions of regular expressions; both Athena and DuckDB must read the pattern in the same way (`patterns`).

In Athena, what is not found is NULL (DuckDB: empty), and ``$1`` is a group in a replacement (a text).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlglot import exp

from patchlake.adapters.one_line import one_line
from patchlake_cli.lake.athena.patterns import Group, group_of, groups_of, groups_of_repeated, require_group
from patchlake_cli.lake.errors import QueryError

_REPLACED = re.compile(r"\\(?P<itself>.)|\$(?P<digits>[0-9]+)|(?P<alone>[\\$])", re.DOTALL)
"""The parts of a replacement that Athena does not take as they are."""
_LAST_GROUP = 9
"""That of the last group that DuckDB can replace with."""


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


REGULAR_EXPRESSIONS: Mapping[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    exp.RegexpCount: _of_every_match,
    exp.RegexpExtract: _regexp_extract,
    exp.RegexpExtractAll: _regexp_extract_all,
    exp.RegexpLike: _regexp_like,
    exp.RegexpReplace: _regexp_replace,
    exp.RegexpSplit: _of_every_match,
}
"""How each is written for DuckDB."""
