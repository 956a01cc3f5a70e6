"""The progress of a run, observed by the log lines and metrics of its functions, or by the stages of this process."""

import json
from collections import Counter
from dataclasses import dataclass, field
from threading import RLock
from typing import Any


@dataclass
class Observation:
    """The progress of one run, safe to update from many threads.

    Attributes:
        targets: that the plan names and that are active; None until it is known.
        targets_done: with a shard.
        nodes_listed, nodes_done: in shards, and in parts.
        outcome: what commit said when it ended the run's watch; None until then.
        metrics: the sum of each metric.
        trouble: the latest failure that passes by itself.
    """

    run_id: str
    targets: int | None = None
    targets_done: int = 0
    nodes_listed: int = 0
    nodes_done: int = 0
    outcome: str | None = None
    detail: str | None = None
    metrics: Counter[str] = field(default_factory=Counter)
    trouble: str | None = None
    _lock: RLock = field(default_factory=RLock, repr=False, compare=False)

    def listed(self, nodes: int) -> None:
        """One more target has a shard, with this many nodes."""
        with self._lock:
            self.targets_done += 1
            self.nodes_listed += nodes

    def collected(self, nodes: int) -> None:
        """So many more nodes have a row in a part."""
        with self._lock:
            self.nodes_done += nodes

    def read(self, line: str) -> None:
        """Take in one line of a function's output; one that is not JSON says nothing."""
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
            case {"message": "discovered", "step": "STORED"}:
                self.listed(entry["nodes"])
            case {"message": "collected", "step": "STORED"}:
                self.collected(sum(entry["nodes"].values()))
            case {"message": "committed", "outcome": str(outcome)} if outcome != "LATE":
                self.outcome = outcome
                self.detail = entry.get("detail")
