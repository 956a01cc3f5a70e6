"""The datasets that QuickSight copies from the views: one SELECT each, in Athena's SQL.

A dataset has every column of its view except those named here, so that your own analyses can use them too. A boolean
becomes 'yes' or 'no': SPICE has no booleans and would show 1 and 0. An empty patch group or tag gets a name that a
chart can show, and the tags of an instance are cut to what a text of SPICE can hold. A time that SPICE cannot hold
becomes NULL: SPICE would leave out its whole row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from patchlake.sources.patch_states import PATCH_STATES
from patchlake_cli.lake.engine import Lake

type Columns = Mapping[str, str]
"""The columns of a dataset in order, with their types by QuickSight's names."""

QUICKSIGHT_TYPES = {
    "varchar": "STRING",
    "integer": "INTEGER",
    "bigint": "INTEGER",
    "double": "DECIMAL",
    "timestamp": "DATETIME",
}
"""QuickSight's types by Athena's. A boolean has none."""

LEFT_OUT = {"run_age_hours", "cve_ids"} | {column.name for column in PATCH_STATES.table if column.sensitive}
"""Columns that no dataset has: an age would be wrong between two refreshes, a text of SPICE has 2,047 characters at
most, and sensitive values stay in the lake."""

DATABASE = "${DatabaseName}"

_DATES = "BETWEEN TIMESTAMP '1900-01-01 00:00:00' AND TIMESTAMP '2037-12-31 23:59:59'"
"""The times that SPICE can hold."""

_TREND = f"""\
SELECT
  CASE WHEN trend.run_at {_DATES} THEN trend.run_at END AS run_at,
  trend.run_status,
  trend.run_coverage,
  line.series,
  CASE line.series
    WHEN 'COMPLIANT' THEN CAST(trend.nodes_compliant AS double)
    WHEN 'NON_COMPLIANT' THEN CAST(trend.nodes_non_compliant AS double)
    WHEN 'UNKNOWN' THEN CAST(trend.nodes_unknown AS double)
    WHEN 'compliant' THEN trend.compliant_percent
    WHEN 'at least' THEN trend.compliant_percent_lower_bound
    WHEN 'read' THEN CAST(trend.targets_read AS double)
    WHEN 'not read' THEN CAST(trend.targets_total - trend.targets_read AS double)
    WHEN 'no longer planned' THEN CAST(trend.targets_not_planned AS double)
  END AS amount
FROM compliance_trend AS trend
CROSS JOIN (
  VALUES ('COMPLIANT'), ('NON_COMPLIANT'), ('UNKNOWN'), ('compliant'), ('at least'), ('read'), ('not read'),
    ('no longer planned')
) AS line (series)
"""  # noqa: S608
_AGE_BAND = """\
CASE
    WHEN days_non_compliant <= 7 THEN '00 to 07 days'
    WHEN days_non_compliant <= 14 THEN '08 to 14 days'
    WHEN days_non_compliant <= 30 THEN '15 to 30 days'
    ELSE '31 days and more'
  END"""


_TAG = """\
CASE
    WHEN tag_key IS NOT NULL
      THEN tag_key || ': ' || CASE
        WHEN tag_status <> 'READ' THEN tag_status
        WHEN tag_value = '' THEN '(empty)'
        ELSE tag_value
      END
    ELSE tag_status
  END"""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset.

    Attributes:
        name: of the dataset, and of its view unless ``sql`` is given.
        added: more columns, by name, each an expression over those of the view.
        sql: the whole SELECT, if the dataset is not a single view.
    """

    name: str
    added: Mapping[str, str] = field(default_factory=dict)
    sql: str = ""

    @property
    def view(self) -> str:
        """The only view that it reads."""
        return _table_of(self.sql).name if self.sql else self.name

    def select(self, types: Mapping[str, str]) -> str:
        """Return its SELECT over the views.

        Args:
            types: the types of the view's columns, by Athena's names.
        """
        if self.sql:
            return self.sql
        taken = [_taken(name, kind) for name, kind in types.items() if name not in LEFT_OUT]
        added = [f"{expression} AS {name}" for name, expression in self.added.items()]
        return "SELECT\n  " + ",\n  ".join([*taken, *added]) + f"\nFROM {self.name}\n"


DATASETS = (
    Dataset("compliance_overall", added={"targets_not_read": "targets_total - targets_read"}),
    Dataset("trend", sql=_TREND),
    Dataset("compliance_by_account"),
    Dataset("compliance_by_platform"),
    Dataset("compliance_by_patch_group"),
    Dataset("latest_known_nodes"),
    Dataset("latest_patch_states"),
    Dataset("patches_overview"),
    Dataset("patches_not_known"),
    Dataset("compliance_by_tag", added={"tag": _TAG}),
    Dataset("unmanaged_instances"),
    Dataset("targets_not_known"),
    Dataset("days_non_compliant", added={"age_band": _AGE_BAND}),
    Dataset("changes_since_previous_run"),
    Dataset("nodes_last_seen"),
    Dataset("latest_coverage"),
    Dataset("runs"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset as QuickSight reads it: the SELECT, with the database before each view, and its columns."""

    name: str
    sql: str
    columns: Columns


def sources(lake: Lake) -> list[Source]:
    """Return every dataset.

    Raises:
        KeyError: a column has a type that no dataset can hold.
    """
    return [_source(dataset, lake) for dataset in DATASETS]


def _source(dataset: Dataset, lake: Lake) -> Source:
    select = dataset.select({} if dataset.sql else lake.describe(dataset.name))
    answer = lake.query(select)
    types = [QUICKSIGHT_TYPES[kind] for kind in answer.types]
    return Source(dataset.name, _qualified(select), dict(zip(answer.columns, types, strict=True)))


def _taken(name: str, kind: str) -> str:
    if kind == "boolean":
        return f"CASE WHEN {name} THEN 'yes' WHEN NOT {name} THEN 'no' END AS {name}"
    if kind == "timestamp":
        return f"CASE WHEN {name} {_DATES} THEN {name} END AS {name}"
    if name == "patch_group":
        return f"CASE WHEN {name} = '' THEN '(none)' ELSE {name} END AS {name}"
    if name == "tag_value":
        return f"CASE WHEN {name} = '' THEN '(empty)' ELSE {name} END AS {name}"
    if name == "tags":
        return f"substr({name}, 1, 2000) AS {name}"
    return name


def _qualified(select: str) -> str:
    """Put the database before the only view that a SELECT reads: QuickSight sets no default database."""
    view = _table_of(select).name
    return select.replace(f"FROM {view}", f"FROM {DATABASE}.{view}")


def _table_of(select: str) -> exp.Table:
    [table] = [t for t in sqlglot.parse_one(select, read="athena").find_all(exp.Table) if t.name]
    return table
