"""The advice about a run that is past its deadline and not published."""

from dataclasses import replace

import pytest

from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.run_reader import OVERDUE_AFTER, Runs
from patchlake_cli.operations.lake_checks import check_runs
from patchlake_cli.operations.manual_run import follow
from patchlake_cli.operations.stack import Stack
from patchlake_cli.operations.status_page import progress_line
from tests.known_deployment import DEPLOYMENT
from tests.world import DEADLINE_SECONDS, EU, RUN_ID, World


def test_check_run_and_status_give_one_advice_about_an_overdue_run() -> None:
    world = World()
    world.add_nodes(EU, range(5))
    world.start()
    world.clock.advance(DEADLINE_SECONDS + OVERDUE_AFTER.total_seconds() + 1)
    runs = Runs(world.store, world.tables, world.clock)
    deployment = replace(DEPLOYMENT, parameters={"MissedRunHours": "0"})

    found, *_ = check_runs(Stack(None, deployment, runs))  # type: ignore[arg-type]  # it asks the lake alone
    with pytest.raises(CommandError) as refused:
        follow(runs, RUN_ID, pause=lambda: None, show=lambda _: None)
    shown = str(progress_line(runs.run(RUN_ID)))

    assert found.text == f"run {RUN_ID} is past its deadline and not published"
    assert found.fix in str(refused.value)
    assert found.fix in shown
