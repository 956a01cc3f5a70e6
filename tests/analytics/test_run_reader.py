"""A run is the same whichever way it is read: by its coverage in the store, or by the tables of an opened lake."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.memory import MemoryClock
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.run import run_at
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.run_reader import Runs, read_run
from patchlake_cli.lake.runs import Run, RunStatus, with_targets_left_out
from patchlake_cli.terminal.run_summary import RunSummary, print_run
from tests.analytics import story
from tests.analytics.story import R1, R2, R3, R4, R5, R6
from tests.analytics.synthetic import collected, listed, write_run


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


def test_a_node_of_the_coverage_that_the_snapshot_lacks_is_listed_and_not_accounted_for(tmp_path: Path) -> None:
    write_run(tmp_path, R1, [listed(3)], [collected(R1, number) for number in (1, 2)])
    run = read_run(open_lake(LakeLocation(str(tmp_path)), now=run_at(R1)), R1)
    console = Console(width=200, file=StringIO())

    print_run(console, RunSummary(run, 0, 0, 0.0, "lake"), [])

    assert isinstance(console.file, StringIO)
    assert "2 of 3 listed nodes accounted for" in console.file.getvalue()
