"""The sheets of the dashboard, and the question that each visual answers."""

from generators.quicksight.sheets.changes import CHANGES
from generators.quicksight.sheets.coverage import COVERAGE
from generators.quicksight.sheets.groups import GROUPS
from generators.quicksight.sheets.instances import INSTANCES
from generators.quicksight.sheets.nodes import NODES
from generators.quicksight.sheets.overview import OVERVIEW
from generators.quicksight.sheets.patches import PATCHES
from generators.quicksight.sheets.tags import TAGS

CALCULATED: dict[str, dict[str, tuple[str, str]]] = {
    "compliance_overall": {"age_hours": ("INTEGER", 'dateDiff({run_at}, now(), "HH")')}
}
"""Columns that QuickSight computes when a sheet is opened, by dataset: their type and expression. A run's age must
stay correct even if the data are no longer refreshed."""

SHEETS = (OVERVIEW, NODES, PATCHES, GROUPS, TAGS, INSTANCES, CHANGES, COVERAGE)
