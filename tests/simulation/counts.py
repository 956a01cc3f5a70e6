"""The expected metrics of the functions, by their literal names: alarms and dashboards depend on them."""

from collections import Counter
from collections.abc import Iterator

from patchlake.stages.collect import CollectResult
from patchlake.stages.commit import CommitResult
from patchlake.stages.discover import DiscoverResult
from patchlake.stages.plan import PlanResult
from tests.simulation.events import Answered
from tests.simulation.keys import coverage_key, snapshot_key
from tests.simulation.secondary_oracle import sources_with_gaps
from tests.simulation.world import World

_RUN_METRICS = {
    "COMPLETE": "RunsComplete",
    "PARTIAL": "RunsPartial",
    "LATE": "LateMessages",
    "MISSED": "RunsMissed",
    "CORRUPT": "RunsCorrupt",
}
_NODE_METRICS = {
    "COLLECTED": "NodesCollected",
    "NO_PATCH_STATE": "NodesNoPatchState",
    "NOT_COLLECTED": "NodesNotCollected",
    "INVALID_RESPONSE": "NodesInvalidResponse",
}
_TARGET_METRICS = {
    "LISTED": "TargetsListed",
    "ROLE_NOT_ASSUMABLE": "TargetsRoleNotAssumable",
    "ACCESS_DENIED": "TargetsAccessDenied",
    "REGION_DISABLED": "TargetsRegionDisabled",
    "NOT_LISTED": "TargetsNotListed",
    "ACCOUNT_NOT_ACTIVE": "TargetsAccountNotActive",
}


def metrics(world: World, answered: Answered) -> Counter[str]:
    """Return what a function must count, by what its messages came to."""
    counts: Counter[str] = Counter()
    match answered.stage:
        case "plan":
            counts["SchedulesFired"] += 1
        case "commit":
            counts["Ticks"] += len(answered.received)
        case _:
            counts["SsmCalls"] += answered.calls
            counts["SsmThrottles"] += answered.absorbed
            counts["SsmRetries"] += answered.absorbed
    for result in answered.results.values():
        match result:
            case CommitResult(run_id, outcome):
                counts[_RUN_METRICS[outcome]] += 1
                if outcome in {"COMPLETE", "PARTIAL"} and answered.build is not None:
                    counts.update(_published_counts(world, run_id))
                    counts["DetailGaps"] += len(sources_with_gaps(world, run_id, answered.build))
            case PlanResult(step="STORED"):
                counts["RunsPlanned"] += 1
            case PlanResult(step="LATE") | DiscoverResult(step="LATE") | CollectResult(step="LATE"):
                counts["LateMessages"] += 1
    return counts


def _published_counts(world: World, run_id: str) -> Iterator[str]:
    """Yield the metric of each row that a run has published."""
    for status in world.tables[snapshot_key(run_id)].columns(["collection_status"])["collection_status"]:
        yield _NODE_METRICS[status]
    coverage = world.tables[coverage_key(run_id)].columns(["listing_status", "rows_without_id"])
    for status, nameless in zip(*coverage.values(), strict=True):
        yield _TARGET_METRICS[status]
        yield from ["RowsWithoutId"] * (nameless or 0)
