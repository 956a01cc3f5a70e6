"""A file in the folder of a date whose rows are those of a run of another date: its rows count nowhere."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from patchlake.core.keys import coverage_key, snapshot_key
from patchlake.core.run import run_at, run_date
from patchlake_cli.commands.query import query
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.lake.engine import open_lake
from patchlake_cli.lake.gaps import find_gaps
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import views
from tests.analytics.materialized import MaterializedViews
from tests.analytics.patch_story import covered
from tests.analytics.rows import view
from tests.analytics.synthetic import collected, instance, listed, patch, tag, write_run

RUNS = FIRST, SECOND, THIRD = [f"202611{day}T060000Z" for day in (10, 11, 12)]
NOW = run_at(THIRD) + timedelta(hours=6)
OF_ANY_RUN = {"node_states", "history_node_states"}
"""The views that have the rows of all runs, whether they are published or not."""

VIEWS = MaterializedViews([each for each in views() if each.name not in OF_ANY_RUN], NOW)

type Tables = dict[str, list[dict[str, object]]]


def tables() -> Tables:
    """Return three runs, of which each has another second node and instance."""
    target = covered(
        2, "COMPLETE", 1, instances_status="LISTED", instances_rows_without_id=0, instances_rows=3,
        tags_status="LISTED", tags_rows_without_id=0, tags_rows=1,
    )  # fmt: skip
    found: Tables = {"coverage": [], "patch_states": [], "patches": [], "instances": [], "tags": []}
    for number, run_id in enumerate(RUNS, start=2):
        run: dict[str, object] = {"run_id": run_id}
        found["coverage"].append(run | target)
        found["patch_states"] += [run | collected(run_id, 1, missing_count=1), run | collected(run_id, number)]
        found["patches"].append(run | patch(run_id, 1, "KB5001111", "Missing"))
        found["instances"] += [run | instance(each) for each in (1, number, 9)]
        found["tags"].append(run | tag(1, "Owner", "shop"))
    return found


@pytest.mark.parametrize(
    ("place", "run_id", "only"),
    [
        (THIRD, SECOND, None),
        *((SECOND, THIRD, each) for each in (None, "coverage", "patch_states", "patches", "instances", "tags")),
    ],
)
def test_rows_of_a_run_of_another_date_count_in_no_view(place: str, run_id: str, only: str | None) -> None:
    absent = {
        name: [row for row in rows if row["run_id"] != place or only not in {None, name}]
        for name, rows in tables().items()
    }
    misplaced = {
        name: [
            *absent[name],
            *(row | {"run_date": run_date(place)} for row in rows if row["run_id"] == run_id and only in {None, name}),
        ]
        for name, rows in tables().items()
    }

    assert VIEWS.answers(misplaced) == VIEWS.answers(absent)


def write_misplaced(folder: Path) -> None:
    """Write a lake whose first run has the coverage of the last one."""
    for run_id in RUNS:
        write_run(folder, run_id, [covered(1, "COMPLETE", 0)], [collected(run_id, 1)], [])
    (folder / coverage_key(FIRST)).write_bytes((folder / coverage_key(THIRD)).read_bytes())


def test_a_run_has_one_row_though_its_coverage_is_in_two_dates(tmp_path: Path) -> None:
    write_misplaced(tmp_path)

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert view(lake, "runs", "run_id", "run_date", "run_status") == [
        (SECOND, "2026-11-11", "COMPLETE"),
        (THIRD, "2026-11-12", "COMPLETE"),
    ]


def test_a_date_whose_file_has_the_rows_of_a_newer_run_is_a_gap(tmp_path: Path) -> None:
    write_misplaced(tmp_path)
    app = typer.Typer()
    app.command()(query)
    arguments = ["SELECT run_id FROM latest_run", "--lake", str(tmp_path), "--as-of", "2026-11-12"]

    result = CliRunner().invoke(app, arguments, standalone_mode=False)

    assert THIRD in result.stdout
    assert result.return_value == ExitCode.PARTIAL
    assert result.stderr == (
        f"patchlake: a run of 2026-11-10 is UNPUBLISHED: its file has rows of run {THIRD}. It is damaged, or copied.\n"
    )


@pytest.mark.parametrize("key", [coverage_key, snapshot_key])
def test_a_file_with_its_columns_in_capital_letters_is_told_from_one_of_another_run(
    tmp_path: Path, key: Callable[[str], str]
) -> None:
    write_run(tmp_path, THIRD, [listed(1)], [collected(THIRD, 1)])
    file = tmp_path / key(THIRD)
    whole = pq.read_table(file, partitioning=None)
    pq.write_table(whole.rename_columns([name.upper() for name in whole.column_names]), file)

    gaps = find_gaps(open_lake(LakeLocation(str(tmp_path)), now=NOW))

    assert (
        "a run of 2026-11-12 is UNPUBLISHED: its file has rows without run_id. It is damaged, or its columns have "
        "other names, such as RUN_ID"
    ) in gaps
