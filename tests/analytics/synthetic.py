"""Runs written row by row, for cases that the pipeline would take long to produce."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, snapshot_key, table_key
from patchlake.core.run import milliseconds, run_at
from patchlake.core.tables import Columns, Table
from patchlake.sources.instances import INSTANCES
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.patches import DECIDING_COUNTS, PATCHES
from patchlake.sources.registry import COVERAGE
from patchlake.sources.tags import TAGS
from tests.world import HOME

REGION = "eu-central-1"
COUNTS = DECIDING_COUNTS


def collected(run_id: str, number: int, **columns: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a Windows node's state, collected at the run's time and scanned an hour before, every count 0."""
    now = milliseconds(run_at(run_id))
    return {
        "account_id": HOME,
        "region": REGION,
        "instance_id": f"i-{number:08x}",
        "platform_type": "Windows",
        "collection_status": "COLLECTED",
        "collected_at": now,
        "operation_end_time": now - 3_600_000,
        **dict.fromkeys(COUNTS, 0),
        **columns,
    }


def listed(nodes: int | None, **columns: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the coverage of a target with that many nodes."""
    return {"account_id": HOME, "region": REGION, "listing_status": "LISTED", "nodes_listed": nodes, **columns}


def unread(**columns: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the coverage of a target that was not read."""
    return listed(None, listing_status="ACCESS_DENIED", **columns)


def patch(run_id: str, number: int, kb_id: str | None, state: str | None, **columns: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the row of a patch that was collected at the run's time; its title follows from its id."""
    return {
        "account_id": HOME,
        "region": REGION,
        "instance_id": f"i-{number:08x}",
        "collection_status": "COLLECTED",
        "collected_at": milliseconds(run_at(run_id)),
        "kb_id": kb_id,
        "title": f"Update for {kb_id}",
        "classification": "SecurityUpdates",
        "severity": "Critical",
        "state": state,
        **columns,
    }


def no_patch(run_id: str, number: int, status: str, detail: str | None = None, **columns: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the row of a node that was asked about, without a patch."""
    answer = dict.fromkeys(("title", "classification", "severity"))
    return patch(run_id, number, None, None, **answer, collection_status=status, collection_detail=detail, **columns)


def instance(number: int, **columns: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an EC2 instance that runs, launched in 2023."""
    return {
        "account_id": HOME,
        "region": REGION,
        "instance_id": f"i-{number:08x}",
        "state": "running",
        "launch_time": 1_700_000_000_000,
        "image_id": "ami-00000001",
        "operator_managed": False,
        **columns,
    }


def tag(number: int, key: str, value: str | None, **columns: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a tag of an EC2 instance."""
    return {
        "account_id": HOME,
        "region": REGION,
        "instance_id": f"i-{number:08x}",
        "key": key,
        "value": value,
        **columns,
    }


def write_run(  # noqa: PLR0913  # a run has a table for each source
    folder: Path,
    run_id: str,
    coverage: list[dict[str, Any]],
    nodes: list[dict[str, Any]],
    patches: list[dict[str, Any]] | None = None,
    *,
    instances: list[dict[str, Any]] | None = None,
    tags: list[dict[str, Any]] | None = None,
) -> None:
    """Publish a run in a folder; it has no table of a source that is left out."""
    tables = [(coverage_key(run_id), COVERAGE, coverage), (snapshot_key(run_id), PATCH_STATES.table, nodes)]
    for source, rows in ((PATCHES, patches), (INSTANCES, instances), (TAGS, tags)):
        if rows is not None:
            tables.append((table_key(run_id, source.name), source.table, rows))
    for key, table, table_rows in tables:
        run = {"run_id": run_id, "run_at": milliseconds(run_at(run_id))}
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ParquetTables().encode(table, [_columns(table, [run | row for row in table_rows])], {}))


def _columns(table: Table, rows: Iterable[Mapping[str, Any]]) -> Columns:
    rows = list(rows)
    return {column.name: [row.get(column.name) for row in rows] for column in table}
