"""The progress of a run, from the log lines and metrics of its functions or from the stages of this process."""

import json
from collections import Counter
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from patchlake.core.keys import ROOT_DETAIL, ROOT_LISTING


@dataclass
class Observation:
    """The progress of one run, safe to update from many threads.

    Attributes:
        targets: the active targets of the plan; None until the plan is known.
        targets_done: the targets with a shard.
        nodes_listed, nodes_done: the nodes in shards, and in parts.
        secondary_done: the shards and parts of secondary sources.
        outcome: the result of commit when it ended the run's watch; None until then.
        metrics: the sum of each metric.
        trouble: the latest failure that will be retried.
    """

    run_id: str
    targets: int | None = None
    targets_done: int = 0
    nodes_listed: int = 0
    nodes_done: int = 0
    secondary_done: int = 0
    outcome: str | None = None
    detail: str | None = None
    metrics: Counter[str] = field(default_factory=Counter)
    trouble: str | None = None
    _lock: RLock = field(default_factory=RLock, repr=False, compare=False)

    def listed(self, nodes: int) -> None:
        """Count one more target with a shard, and its nodes."""
        with self._lock:
            self.targets_done += 1
            self.nodes_listed += nodes

    def collected(self, nodes: int) -> None:
        """Count nodes that now have a row in a part."""
        with self._lock:
            self.nodes_done += nodes

    def read(self, line: str) -> None:
        """Read one line of a function's output; a line that is not JSON is ignored."""
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if not isinstance(entry, dict):
            return
        with self._lock:
            if "_aws" in entry:
                self._count(entry)
            elif entry.get("run_id") == self.run_id:
                self._follow(entry)

    def _count(self, entry: dict[str, Any]) -> None:
        for directive in entry["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                values = entry[metric["Name"]]
                self.metrics[metric["Name"]] += sum(values) if isinstance(values, list) else values

    def _follow(self, entry: dict[str, Any]) -> None:
        match entry:
            case {"message": "planned", "active_targets": int(targets)}:
                self.targets = targets
            case {"message": "discovered", "step": "STORED", "source": source} if source == ROOT_LISTING:
                self.listed(entry["nodes"])
            case {"message": "collected", "step": "STORED", "source": source} if source == ROOT_DETAIL:
                self.collected(sum(entry["nodes"].values()))
            case {"message": "discovered" | "collected", "step": "STORED"}:
                self.secondary_done += 1
            case {"message": "committed", "outcome": str(outcome)} if outcome != "LATE":
                self.outcome = outcome
                self.detail = entry.get("detail")
