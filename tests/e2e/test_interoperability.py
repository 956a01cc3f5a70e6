"""The snippets of docs/interoperability.md for readers that are not packages of the project."""

import re
import sysconfig
from pathlib import Path

import pytest

from patchlake_cli.lake.engine import open_lake
from patchlake_cli.lake.location import MARKER, LakeLocation
from tests.analytics import story
from tests.e2e.tools import program
from tests.snippets import print_from, snippet

PAGE = "interoperability.md"
REGISTERED = """
from pyspark.sql import SparkSession

spark = SparkSession.builder.config("spark.sql.warehouse.dir", "warehouse").enableHiveSupport().getOrCreate()
spark.sql('''
    CREATE EXTERNAL TABLE patch_states (run_id string) PARTITIONED BY (run_date string)
    STORED AS PARQUET LOCATION 'demo/lake/patch_states'
''')
print("before", spark.table("patch_states").count())
spark.sql({statement!r})
print("after", spark.table("patch_states").count())
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    story.tell(folder)
    return folder


@pytest.mark.parametrize("reader", ["pandas", "Spark"])
def test_another_reader_counts_the_same_nodes(reader: str, lake: Path, tmp_path: Path) -> None:
    asked = f"SELECT collection_status, count(*) FROM patch_states WHERE run_id = '{story.R5}' GROUP BY 1"  # noqa: S608
    expected = open_lake(LakeLocation(str(lake)), now=story.NOW).query(asked).rows

    printed = print_from(program("readers", "python"), snippet(PAGE, reader), lake, tmp_path)

    assert len(expected) > 1
    for status, nodes in expected:
        assert re.search(rf"(?m)^(\|{story.R5}\|)?\W*{status}\W+{nodes}\W*$", printed), printed


def test_a_view_can_be_had_as_a_frame_of_pandas(lake: Path, tmp_path: Path) -> None:
    asked = "SELECT compliance_status, count(*) FROM latest_patch_states GROUP BY 1"
    expected = open_lake(LakeLocation(str(lake)), now=story.NOW).query(asked).rows
    (lake / MARKER).touch()
    # The packages of the environment come first: its pandas works with its own pyarrow.
    with_our_own = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"

    printed = print_from(program("readers", "python"), with_our_own + snippet("python.md", "pandas"), lake, tmp_path)

    assert len(expected) > 1
    for status, nodes in expected:
        assert re.search(rf"(?m)^{status}\W+{nodes}$", printed), printed


def test_a_table_without_projection_sees_the_dates_that_are_registered(lake: Path, tmp_path: Path) -> None:
    statement = snippet(PAGE, "Engines that ignore partition projection", "sql")
    here = statement.replace("s3://BUCKET/lake", f"{lake}/lake").replace("2026-11-01", "2026-11-12")

    printed = print_from(program("readers", "python"), REGISTERED.format(statement=here), lake, tmp_path)

    assert printed.splitlines() == ["before 0", "after 12"]
