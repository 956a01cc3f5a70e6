"""The columns of the tables that a statement reads. Athena charges for the bytes of the columns that a query scans.

Athena expands every view and CTE wherever it is named, and reads the columns of each remaining table that the result
depends on. This module does the same, so the bytes follow from the sizes of column chunks in the files.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.schema import MappingSchema

from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.policy import OBJECT_PATH, POLICY_TABLES
from patchlake_cli.lake.statements import HISTORY, RECENT, Statement, views

_POLICY = {table.name: [*table.column_names, OBJECT_PATH] for table in POLICY_TABLES}
"""The columns of the tables of the policy, which are small: no scan counts them."""


class Scan(NamedTuple):
    """One reading of a table: the name of the published table, and its columns without the partition's."""

    table: str
    columns: frozenset[str]


def scans(statement: Statement) -> list[Scan]:
    """Return every reading of a table that a view or a named query causes."""
    return scans_of(statement.tree)


def scanned_bytes(readings: Iterable[Scan], column_bytes: Mapping[str, int]) -> int:
    """Return how many bytes of ``patch_states`` these readings scan.

    Args:
        readings: those of a view or a named query.
        column_bytes: the size of each column in the files that it reads.
    """
    return sum(column_bytes[column] for scan in readings if scan.table == PATCH_STATES.name for column in scan.columns)


def scans_of(question: exp.Query) -> list[Scan]:
    """Return every reading of a table that a SELECT causes; each time a table is named it is read."""
    found: list[Scan] = []
    for scope in traverse_scope(pushdown_projections(_qualified(_without_ctes(question, {})))):
        if scope.is_udtf:
            # UNNEST reads an array of another source, and no table.
            continue
        for alias, source in scope.sources.items():
            if not isinstance(source, exp.Table):
                continue
            columns = frozenset(column.name for column in scope.columns if column.table == alias)
            if source.name in _views():
                found += _view_scans(source.name, columns)
            elif source.name not in _POLICY:
                found.append(Scan(source.name.removeprefix(RECENT).removeprefix(HISTORY), columns - {"run_date"}))
    return sorted(found, key=lambda scan: (scan.table, sorted(scan.columns)))


@cache
def _view_scans(name: str, wanted: frozenset[str]) -> list[Scan]:
    """Return the readings of a view for some of its columns."""
    tree = _views()[name].copy()
    places = [place for place, column in enumerate(tree.named_selects) if column in wanted]
    _keep(tree, places)
    return scans_of(tree)


def _keep(tree: exp.Query, places: Sequence[int]) -> None:
    """Keep only these columns of a SELECT, or of each SELECT of a UNION ALL."""
    if isinstance(tree, exp.SetOperation):
        _keep(tree.left, places)
        _keep(tree.right, places)
    else:
        chosen = [tree.selects[place] for place in places]
        tree.select(*(chosen or [exp.Literal.number(1)]), append=False, copy=False)


@cache
def _views() -> Mapping[str, exp.Query]:
    return {view.name: view.tree for view in views()}


@cache
def _schema() -> MappingSchema:
    columns = {
        **{
            prefix + table.name: [*table.column_names, "run_date"]
            for table in SOURCES.tables
            for prefix in ("", RECENT, HISTORY)
        },
        **_POLICY,
        **{name: view.named_selects for name, view in _views().items()},
    }
    return MappingSchema(
        {relation: dict.fromkeys(names, "varchar") for relation, names in columns.items()}, dialect="athena"
    )


def _qualified(tree: exp.Query) -> exp.Expr:
    return qualify(tree, schema=_schema(), dialect="athena", quote_identifiers=False)


def _without_ctes[Q: exp.Query](tree: Q, known: Mapping[str, exp.Query]) -> Q:
    """Put the SELECT of each CTE in place of its name."""
    tree = tree.copy()
    named = dict(known)
    for cte in tree.ctes:
        named[cte.alias] = _without_ctes(cte.this, named)
    tree.set("with_", None)
    for table in list(tree.find_all(exp.Table)):
        if table.name in named:
            alias = exp.TableAlias(this=exp.to_identifier(table.alias_or_name))
            table.replace(exp.Subquery(this=named[table.name].copy(), alias=alias))
    return tree
