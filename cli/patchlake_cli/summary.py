"""The summary of a run, read from the snapshot and the coverage that it published."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from patchlake_cli.observation import Observation


@dataclass(frozen=True, slots=True)
class Summary:
    """One run, as ``--json`` prints it; ``lake`` is the folder of the tables, ``wall_seconds`` real time."""

    run_id: str
    status: str
    targets: int
    targets_listed: int
    nodes_listed: int
    nodes_collected: int
    nodes_no_patch_state: int
    nodes_not_collected: int
    nodes_invalid_response: int
    api_calls: int
    retries: int
    wall_seconds: float
    lake: str

    @property
    def nodes_accounted_for(self) -> int:
        """The sum of the four statuses that a node can have."""
        return self.nodes_collected + self.nodes_no_patch_state + self.nodes_not_collected + self.nodes_invalid_response

    def as_json(self) -> dict[str, Any]:
        """Return the members in their order."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Coverage:
    """One target of a run."""

    account_id: str
    account_name: str | None
    region: str
    listing_status: str
    listing_detail: str | None
    nodes_listed: int | None


def open_run(lake: Path, run_id: str) -> duckdb.DuckDBPyConnection:
    """Open one published run in SQL, as the tables ``patch_states`` and ``coverage``."""
    connection = duckdb.connect()
    for table in ("patch_states", "coverage"):
        path = str(lake / table / "run_date=*" / f"{run_id}.parquet").replace("'", "''")
        connection.sql(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{path}')")  # noqa: S608
    return connection


def read_summary(run: duckdb.DuckDBPyConnection, lake: Path, observation: Observation, wall_seconds: float) -> Summary:
    """Sum up a published run: the nodes and targets by the tables, the calls by the functions' metrics."""
    [counts] = run.sql("""
        SELECT
            (SELECT count(*) FROM coverage) AS targets,
            (SELECT count(*) FROM coverage WHERE listing_status = 'LISTED') AS targets_listed,
            count(*) AS nodes_listed,
            count(*) FILTER (collection_status = 'COLLECTED') AS nodes_collected,
            count(*) FILTER (collection_status = 'NO_PATCH_STATE') AS nodes_no_patch_state,
            count(*) FILTER (collection_status = 'NOT_COLLECTED') AS nodes_not_collected,
            count(*) FILTER (collection_status = 'INVALID_RESPONSE') AS nodes_invalid_response
        FROM patch_states
    """).fetchall()
    targets, listed, nodes, collected, no_state, not_collected, invalid = counts
    return Summary(
        run_id=observation.run_id,
        status=observation.outcome or "",
        targets=targets,
        targets_listed=listed,
        nodes_listed=nodes,
        nodes_collected=collected,
        nodes_no_patch_state=no_state,
        nodes_not_collected=not_collected,
        nodes_invalid_response=invalid,
        api_calls=int(observation.metrics["SsmCalls"]),
        retries=int(observation.metrics["SsmRetries"]),
        wall_seconds=round(wall_seconds, 2),
        lake=str(lake),
    )


def read_coverage(run: duckdb.DuckDBPyConnection) -> list[Coverage]:
    """Return a run's targets, in order."""
    rows = run.sql("""
        SELECT account_id, account_name, region, listing_status, listing_detail, nodes_listed
        FROM coverage ORDER BY account_id, region
    """).fetchall()
    return [Coverage(*row) for row in rows]
