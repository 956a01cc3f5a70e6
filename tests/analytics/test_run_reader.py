"""A run is the same whichever way it is read: by its coverage in the store, or by the tables of an opened lake."""

from dataclasses import replace
from pathlib import Path

from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.memory import MemoryClock
from patchlake.adapters.parquet import ParquetTables
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.run_reader import Runs, read_run
from patchlake_cli.lake.runs import Run, RunStatus, with_targets_left_out
from tests.analytics import story
from tests.analytics.story import R1, R2, R3, R4, R5, R6


def targets_left_out(run: Run) -> list[tuple[str, str]]:
    return sorted((target.account_id, target.region) for target in run.not_planned or ())


def test_published_runs_are_the_same_by_the_store_and_by_the_tables(story_folder: Path, lake: Lake) -> None:
    runs = Runs(DirectoryStore(story_folder), ParquetTables(), MemoryClock(story.NOW))

    by_store = with_targets_left_out([runs.run(run_id) for run_id in (R5, R4, R3, R2, R1)])
    by_tables = [read_run(lake, run_id) for run_id in (R5, R4, R3, R2, R1)]

    assert [targets_left_out(run) for run in by_store] == [targets_left_out(run) for run in by_tables]
    assert [replace(run, not_planned=()) for run in by_store] == [replace(run, not_planned=()) for run in by_tables]
    assert {run.status for run in by_store} == {RunStatus.COMPLETE, RunStatus.PARTIAL}


def test_a_run_whose_snapshot_is_not_there_is_unpublished_by_the_tables(lake: Lake) -> None:
    run = read_run(lake, R6)

    assert (run.status, run.is_published, run.nodes_listed) == (RunStatus.UNPUBLISHED, False, 0)
