"""The summary of a run, read from the snapshot and the coverage that it published."""

from dataclasses import asdict, dataclass
from typing import Any

from patchlake.core.statuses import CollectionStatus
from patchlake_cli.analytics.lake import Lake
from patchlake_cli.observation import Observation


@dataclass(frozen=True, slots=True)
class Summary:
    """One run, as ``--json`` prints it; ``lake`` is the place of the tables, ``wall_seconds`` real time."""

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


def read_summary(lake: Lake, tables: str, observation: Observation, wall_seconds: float) -> Summary:
    """Sum up a published run: its status, nodes and targets by the tables, the calls by the metrics.

    Args:
        lake: that holds the run.
        tables: the place of its tables.
        observation: of the run.
        wall_seconds: real time that the run took.
    """
    run = (observation.run_id,)
    [(status,)] = lake.query("SELECT run_status FROM runs WHERE run_id = ?", run).rows
    [(targets, listed)] = lake.query(
        "SELECT count(*), count_if(listing_status = 'LISTED') FROM coverage WHERE run_id = ?", run
    ).rows
    nodes = dict(
        lake.query(
            "SELECT collection_status, count(*) FROM patch_states WHERE run_id = ? GROUP BY collection_status", run
        ).rows
    )
    return Summary(
        run_id=observation.run_id,
        status=status,
        targets=targets,
        targets_listed=listed,
        nodes_listed=sum(nodes.values()),
        nodes_collected=nodes.get(CollectionStatus.COLLECTED, 0),
        nodes_no_patch_state=nodes.get(CollectionStatus.NO_PATCH_STATE, 0),
        nodes_not_collected=nodes.get(CollectionStatus.NOT_COLLECTED, 0),
        nodes_invalid_response=nodes.get(CollectionStatus.INVALID_RESPONSE, 0),
        api_calls=int(observation.metrics["SsmCalls"]),
        retries=int(observation.metrics["SsmRetries"]),
        wall_seconds=round(wall_seconds, 2),
        lake=tables,
    )


def read_coverage(lake: Lake, run_id: str) -> list[Coverage]:
    """Return a run's targets, in order."""
    rows = lake.query(
        "SELECT account_id, account_name, region, listing_status, listing_detail, nodes_listed "
        "FROM coverage WHERE run_id = ? ORDER BY account_id, region",
        (run_id,),
    ).rows
    return [Coverage(*row) for row in rows]
