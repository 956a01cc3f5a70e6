"""The progress of a run, as a person sees it."""

import io

from rich.console import Console

from patchlake.core.run import run_at
from patchlake_cli.terminal.observation import Observation
from patchlake_cli.terminal.progress import RunProgress, Troubles
from tests.world import RUN_ID


def test_the_bars_tell_targets_nodes_and_throttling() -> None:
    screen = io.StringIO()
    seen = Observation(RUN_ID, targets=3)
    seen.listed(4000)
    seen.collected(1000)
    seen.metrics["SsmThrottles"] = 12
    with RunProgress(Console(file=screen, force_terminal=True, width=120)) as progress:
        progress.follow(seen, run_at(RUN_ID)).refresh()

    shown = screen.getvalue()
    assert "1/3" in shown
    assert "1000/4000" in shown
    assert "throttled 12 times" in shown


def test_where_nobody_watches_only_lines_are_printed() -> None:
    screen = io.StringIO()
    with RunProgress(Console(file=screen)) as progress:
        progress.follow(Observation(RUN_ID), run_at(RUN_ID)).refresh()
        progress.say("Run starts")

    assert screen.getvalue() == "Run starts\n"


def test_troubles_are_reported_now_and_then_and_each_once() -> None:
    reported: list[str] = []
    now = 0.0
    troubles = Troubles(reported.append, lambda: now)

    troubles.report(None)
    troubles.report("throttled")
    troubles.report("no answer")
    now = 10.0
    troubles.report("no answer")
    troubles.report("no answer")

    assert reported == ["retrying: throttled", "retrying: no answer"]
