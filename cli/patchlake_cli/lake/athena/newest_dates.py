"""The dates of the newest run, next to each condition on it: DuckDB reads only the files of dates that are constants.

Every row of a view that ``is_latest`` has the date of the newest run, and the last listing of each of its targets has
one of a few dates. So the added conditions change no answer.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from patchlake_cli.lake.statements import HISTORY, views

_MARK = "is_latest"
_DATE = "run_date"
_LISTINGS = "target_listings"
_LAST_READ = "last_read_date"
_CONDITIONS = (exp.Where, exp.Join)


class NewestDates(NamedTuple):
    """Dates that are known before a question; none where they are not known.

    Attributes:
        run: those of the newest run.
        last_read: those on which its targets were last listed.
    """

    run: tuple[str, ...] = ()
    last_read: tuple[str, ...] = ()


NO_DATES = NewestDates()


def name_dates(tree: exp.Expr, dates: NewestDates) -> None:
    """Add the dates to the conditions of a SELECT on the rows of the newest run.

    Args:
        tree: the SELECT, which is changed.
        dates: the dates.
    """
    for scope in traverse_scope(tree):
        marks = [column for column in scope.columns if column.name == _MARK and is_marked(_relation(column, scope))]
        if dates.last_read:
            for equality, column in _last_listed(scope, {mark.table for mark in marks if _is_required(mark)}):
                _add(equality, column, dates.last_read)
        if dates.run:
            for mark in marks:
                if isinstance(mark.find_ancestor(exp.Where, exp.Join, exp.Select), _CONDITIONS):
                    _add(mark, exp.column(_DATE, table=mark.table or None), dates.run)


def _relation(column: exp.Column, scope: Scope) -> str:
    """Return the table or view that a column comes from; an empty text if it is none, or not certain."""
    names = [column.table] if column.table else list(scope.sources)
    source = scope.sources.get(names[0]) if len(names) == 1 else None
    return source.name if isinstance(source, exp.Table) else ""


def _is_required(mark: exp.Column) -> bool:
    """Whether a SELECT has only rows with a mark."""
    node: exp.Expr | None = mark.parent
    while isinstance(node, exp.And):
        node = node.parent
    return isinstance(node, exp.Where)


def _last_listed(scope: Scope, latest: set[str]) -> Iterator[tuple[exp.EQ, exp.Column]]:
    """Yield each equality with the date on which a target of the newest run was last listed, and its other side."""
    for column in scope.columns:
        equality = column.parent
        is_listing = column.name == _LAST_READ and _relation(column, scope) == _LISTINGS
        if is_listing and column.table in latest and isinstance(equality, exp.EQ):
            other = equality.right if equality.left is column else equality.left
            if isinstance(other, exp.Column) and other.name == _DATE:
                yield equality, other


def _add(condition: exp.Expr, column: exp.Column, dates: tuple[str, ...]) -> None:
    """Put a condition, and one on the date, in place of the condition alone."""
    # Not IN: DuckDB passes only an equality on to the other side of a join.
    dated = exp.or_(*(column.copy().eq(date) for date in dates))
    condition.replace(exp.paren(exp.and_(condition.copy(), dated)))


@cache
def is_marked(name: str) -> bool:
    """Whether it is a view that marks the rows of the newest run in the window."""
    found = [view for view in views() if view.name == name and not name.startswith(HISTORY)]
    return any({_MARK, _DATE} <= set(view.tree.named_selects) for view in found)
