"""The date of the newest run next to each ``is_latest``: DuckDB reads only the files of dates that are constants.

Every row of a view that ``is_latest`` has the date of the newest run, so the added condition changes no answer.
"""

from collections.abc import Sequence
from functools import cache

from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from patchlake_cli.lake.statements import HISTORY, views

_MARK = "is_latest"
_DATE = "run_date"
_CONDITIONS = (exp.Where, exp.Join)


def name_dates(tree: exp.Expr, dates: Sequence[str]) -> None:
    """Add the dates to each condition of a SELECT on ``is_latest`` of a view.

    Args:
        tree: the SELECT, which is changed.
        dates: the dates of the newest run; none where there is no such run.
    """
    if not dates:
        return
    for scope in traverse_scope(tree):
        for column in scope.columns:
            if column.name == _MARK and isinstance(column.find_ancestor(exp.Where, exp.Join, exp.Select), _CONDITIONS):
                names = [column.table] if column.table else list(scope.sources)
                source = scope.sources.get(names[0]) if len(names) == 1 else None
                if isinstance(source, exp.Table) and is_marked(source.name):
                    dated = exp.column(_DATE, table=column.table or None).isin(*dates)
                    column.replace(exp.paren(exp.and_(column.copy(), dated)))


@cache
def is_marked(name: str) -> bool:
    """Whether it is a view that marks the rows of the newest run in the window."""
    found = [view for view in views() if view.name == name and not name.startswith(HISTORY)]
    return any({_MARK, _DATE} <= set(view.tree.named_selects) for view in found)
