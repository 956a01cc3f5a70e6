"""polars, an independent engine, reads the same files: it counts, sums and judges the nodes in the same way.

The rule is written here a second time, over columns of a data frame instead of in SQL.
"""

from pathlib import Path

import polars as pl
import pytest

from patchlake.core.tables import ColumnType
from patchlake.sources.patch_states import PATCH_STATES
from patchlake_cli.lake.engine import Lake
from tests.analytics.story import R1, R2, R3, R4, R5

PUBLISHED = [R1, R2, R3, R4, R5]
COUNTS = [column.name for column in PATCH_STATES.table if column.type is ColumnType.INT32]
SEVEN = [
    "missing_count",
    "failed_count",
    "installed_rejected_count",
    "installed_pending_reboot_count",
    "critical_non_compliant_count",
    "security_non_compliant_count",
    "other_non_compliant_count",
]


@pytest.fixture(scope="module")
def states(story_folder: Path) -> pl.DataFrame:
    """Every row of every published run in the window; a column that a file lacks is null."""
    files = sorted((story_folder / "lake" / "patch_states").glob("*/*.parquet"))
    frames = [pl.read_parquet(file, hive_partitioning=False) for file in files if file.stem in PUBLISHED]
    return pl.concat(frames, how="diagonal")


@pytest.fixture(scope="module")
def coverage(story_folder: Path) -> pl.DataFrame:
    """Every target of every published run in the window."""
    files = sorted((story_folder / "lake" / "coverage").glob("*/*.parquet"))
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files if file.stem in PUBLISHED])


def test_one_file_of_the_lake_lacks_the_newest_column(story_folder: Path) -> None:
    [file] = (story_folder / "lake" / "patch_states").glob(f"*/{R1}.parquet")

    lacking = set(PATCH_STATES.table.column_names) - set(pl.read_parquet_schema(file))
    assert lacking == {"available_security_update_count"}


def test_both_engines_count_the_same_rows_of_each_run_and_target(lake: Lake, states: pl.DataFrame) -> None:
    keys = ["run_id", "account_id", "region", "collection_status"]

    sql = f"SELECT {', '.join(keys)}, count(*) FROM node_compliance GROUP BY {', '.join(keys)}"  # noqa: S608
    assert sorted(lake.query(sql).rows) == sorted(states.group_by(keys).len().rows())


@pytest.mark.parametrize("count", COUNTS)
def test_both_engines_sum_every_count_to_the_same(lake: Lake, states: pl.DataFrame, count: str) -> None:
    sums = states.group_by("run_id").agg(
        pl.when(pl.col(count).count() > 0).then(pl.col(count).cast(pl.Int64).sum()),
        pl.col(count).null_count().alias("nulls"),
    )

    sql = f"SELECT run_id, sum({count}), count(*) - count({count}) FROM node_compliance GROUP BY run_id"  # noqa: S608
    assert sorted(lake.query(sql).rows) == sorted(sums.rows())


@pytest.mark.parametrize("column", [column.name for column in PATCH_STATES.table])
def test_both_engines_see_the_same_extremes_and_nulls_of_every_column(
    lake: Lake, states: pl.DataFrame, column: str
) -> None:
    values = states[column]
    if values.dtype == pl.Datetime("ms", "UTC"):
        values = values.dt.replace_time_zone(None)

    sql = f"SELECT min({column}), max({column}), count({column}) FROM node_compliance"  # noqa: S608
    assert lake.query(sql).rows == [(values.min(), values.max(), values.len() - values.null_count())]


def test_both_engines_count_the_same_targets(lake: Lake, coverage: pl.DataFrame) -> None:
    counted = coverage.group_by("run_id", "listing_status").agg(
        pl.len(), pl.when(pl.col("nodes_listed").count() > 0).then(pl.col("nodes_listed").cast(pl.Int64).sum())
    )

    sql = (
        "SELECT run_id, listing_status, count(*), sum(nodes_listed) FROM target_runs WHERE is_planned "
        "GROUP BY run_id, listing_status"
    )
    assert sorted(lake.query(sql).rows) == sorted(counted.rows())


def test_both_engines_judge_every_node_the_same(lake: Lake, states: pl.DataFrame) -> None:
    collected = pl.col("collection_status") == "COLLECTED"
    end, answered = pl.col("operation_end_time"), pl.col("collected_at")
    timely = (end >= pl.datetime(2000, 1, 1, time_zone="UTC")) & (end <= answered + pl.duration(days=1))
    fresh = end >= answered - pl.duration(days=7)
    clean = pl.all_horizontal(pl.col(count) == 0 for count in SEVEN)
    lacking = pl.any_horizontal(pl.col(count).fill_null(0) > 0 for count in SEVEN)
    verdict = (
        pl.when(collected & lacking)
        .then(pl.lit("NON_COMPLIANT"))
        .when((collected & timely & fresh & clean).fill_null(value=False))
        .then(pl.lit("COMPLIANT"))
        .otherwise(pl.lit("UNKNOWN"))
    )
    judged = states.select("run_id", "instance_id", verdict.alias("compliance_status"))

    sql = "SELECT run_id, instance_id, compliance_status FROM node_compliance"
    assert sorted(lake.query(sql).rows) == sorted(judged.rows())
    assert judged["compliance_status"].n_unique() == 3
