"""A run is the same whichever way it is read: by its coverage in the store, or by the tables of an opened lake."""

from pathlib import Path

from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.memory import MemoryClock
from patchlake.adapters.parquet import ParquetTables
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.run_reader import Runs, read_run
from patchlake_cli.lake.runs import RunStatus
from tests.analytics import story
from tests.analytics.story import R1, R2, R3, R4, R5, R6


def test_published_runs_are_the_same_by_the_store_and_by_the_tables(story_folder: Path, lake: Lake) -> None:
    runs = Runs(DirectoryStore(story_folder), ParquetTables(), MemoryClock(story.NOW))

    by_store = [runs.run(run_id) for run_id in (R1, R2, R3, R4, R5)]
    by_tables = [read_run(lake, run_id) for run_id in (R1, R2, R3, R4, R5)]

    assert by_store == by_tables
    assert {run.status for run in by_store} == {RunStatus.COMPLETE, RunStatus.PARTIAL}


def test_a_run_whose_snapshot_is_not_there_is_unpublished_by_the_tables(lake: Lake) -> None:
    run = read_run(lake, R6)

    assert (run.status, run.is_published, run.nodes_listed) == (RunStatus.UNPUBLISHED, False, 0)
