"""Live progress of a run, one bar per stage."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from patchlake.core.counts import counted
from patchlake_cli.terminal.observation import Observation


class RunProgress:
    """Bars for discover, collect and commit, fed from an ``Observation``."""

    def __init__(self, console: Console) -> None:
        """Show nothing yet; a console that is not a terminal stays empty."""
        self._progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def working(self, description: str) -> Callable[[], None]:
        """Show a task of unknown length; call the result when the task is over."""
        task = self._progress.add_task(description, total=None, unit="")
        return lambda: self._progress.remove_task(task)

    def say(self, text: str) -> None:
        """Print a line above the bars; also where the console is not a terminal."""
        self._progress.console.print(text, soft_wrap=True)

    def follow(self, observation: Observation, run_at: datetime) -> "RunBars":
        """Show the bars of one run."""
        return RunBars(self._progress, observation, run_at)


class RunBars:
    """The bars of one run; each ``refresh`` reads the observation."""

    def __init__(self, progress: Progress, observation: Observation, run_at: datetime) -> None:
        day = f"{run_at:%d %b}"
        self._progress = progress
        self._observation = observation
        self._discover = self._bar(f"{day}  discover", "targets")
        self._collect = self._bar(f"{day}  collect", "nodes")
        self._commit = self._bar(f"{day}  commit", "snapshot")
        self._progress.update(self._commit, total=1)

    def refresh(self) -> tuple[int | None, ...]:
        """Update the bars; return their counts."""
        seen = self._observation
        self._progress.update(self._discover, total=seen.targets, completed=seen.targets_done)
        self._progress.update(self._collect, total=seen.nodes_listed or None, completed=seen.nodes_done)
        self._progress.update(self._collect, unit=f"nodes{self._rate()}")
        self._progress.update(self._commit, completed=int(seen.outcome is not None))
        return seen.targets, seen.targets_done, seen.nodes_listed, seen.nodes_done, seen.secondary_done

    def _rate(self) -> str:
        """Return the rate of collection, and the number of throttled calls."""
        speed = next(task.speed for task in self._progress.tasks if task.id == self._collect)
        throttles = self._observation.metrics["SsmThrottles"]
        return (f", {speed:,.0f}/s" if speed else "") + (
            f", throttled {counted(throttles, 'time')}" if throttles else ""
        )

    def close(self) -> None:
        """Remove the bars."""
        for bar in (self._discover, self._collect, self._commit):
            self._progress.remove_task(bar)

    def _bar(self, description: str, unit: str) -> TaskID:
        return self._progress.add_task(description, total=None, unit=unit)


TROUBLE_SECONDS = 10
"""The shortest time between two lines about retries: a throttled target causes many."""


class Troubles:
    """Reports retried failures without flooding the screen."""

    def __init__(self, say: Callable[[str], object], now: Callable[[], float] = time.monotonic) -> None:
        """Report nothing yet."""
        self._say = say
        self._now = now
        self._reported: str | None = None
        self._next = now()

    def report(self, trouble: str | None) -> None:
        """Print a failure, unless it is the last one again or comes too soon after it."""
        if trouble is not None and trouble != self._reported and self._now() >= self._next:
            self._say(f"retrying: {trouble}")
            self._reported, self._next = trouble, self._now() + TROUBLE_SECONDS
