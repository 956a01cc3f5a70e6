"""The progress of a run from the results of its messages; work of an earlier process counts as done."""

from threading import Lock

from patchlake.core.keys import ROOT_DETAIL, ROOT_LISTING
from patchlake.core.plan import Plan
from patchlake.stages.collect import CollectResult
from patchlake.stages.discover import DiscoverResult
from patchlake.stages.step import Step
from patchlake_cli.terminal.observation import Observation


class Follower:
    """Counts every target and every batch once, even if its message comes again; safe to use from many threads."""

    def __init__(self, plan: Plan, observation: Observation) -> None:
        observation.targets = len(plan.active_targets())
        self._batch_size = plan.batch_size
        self._observation = observation
        self._nodes: dict[str, int] = {}
        self._collected: set[tuple[str, int]] = set()
        self._lock = Lock()

    def follow(self, result: DiscoverResult | CollectResult) -> None:
        """Count one result."""
        if result.step is Step.LATE or result.source not in {ROOT_LISTING, ROOT_DETAIL}:
            return
        with self._lock:
            target = str(result.target)
            match result:
                case DiscoverResult(rows=nodes) if target not in self._nodes:
                    self._nodes[target] = nodes
                    self._observation.listed(nodes)
                case CollectResult(batch=batch) if (target, batch) not in self._collected:
                    self._collected.add((target, batch))
                    rest = self._nodes[target] - batch * self._batch_size
                    self._observation.collected(min(self._batch_size, rest))
