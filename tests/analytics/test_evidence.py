"""The steps of docs/evidence.md, and the handwritten SQL of docs/queries.md."""

import hashlib
import re
from pathlib import Path

import pytest
from trino_query_parser import parse_statement

from generators import ROOT
from generators.documents.pages import END
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, plan_key, snapshot_key
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.location import LakeLocation
from tests.analytics import story
from tests.analytics.rows import pick
from tests.analytics.story import R5
from tests.world import World


def blocks(page: str, language: str) -> list[str]:
    """Return the code of one language on a page, the generated part left out."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").rpartition(END)[2]
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return story.tell(tmp_path_factory.mktemp("evidence"))


def test_a_figure_leads_to_its_run_its_objects_and_the_plan_that_they_answer(lake: Lake, world: World) -> None:
    [(run_id, nodes)] = lake.query("SELECT run_id, nodes_listed FROM compliance_overall").rows

    plan = world.store.objects[plan_key(run_id)]
    for key in (snapshot_key(run_id), coverage_key(run_id)):
        metadata = ParquetTables().open(world.store.objects[key]).metadata
        assert metadata["run_id"] == run_id
        assert metadata["plan_sha256"] == hashlib.sha256(plan).hexdigest()
        assert metadata["patchlake_version"]
    assert sum(ParquetTables().open(world.store.objects[snapshot_key(run_id)]).row_counts) == nodes


def test_the_keys_that_the_page_names_are_those_of_the_run() -> None:
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")

    for key in (snapshot_key(R5), coverage_key(R5), plan_key(R5)):
        assert f"`{key}`" in page


def test_one_runs_files_are_enough_to_compute_its_figures_again(lake: Lake, world: World, tmp_path: Path) -> None:
    for key in (snapshot_key(R5), coverage_key(R5)):
        path = tmp_path / key
        path.parent.mkdir(parents=True)
        path.write_bytes(world.store.objects[key])
    alone = open_lake(LakeLocation(str(tmp_path)), now=story.NOW)

    evidence, same = alone.named("compliant_nodes"), lake.named("compliant_nodes")
    columns = [name for name in evidence.columns if name != "run_coverage"]
    assert pick(evidence, *columns) == pick(same, *columns)
    # What is no longer planned is known only from the runs that planned it.
    assert set(pick(evidence, "run_coverage")) == {("3 of 4 targets read",)}
    asked = "SELECT nodes_listed, nodes_compliant, nodes_unknown, compliant_percent FROM compliance_overall"
    assert alone.query(asked) == lake.query(asked)
    # The lower bound needs the runs in which the unread target was listed.
    assert alone.query("SELECT compliant_percent_lower_bound FROM compliance_overall").rows == [(None,)]


@pytest.mark.parametrize("page", ["evidence.md", "queries.md"])
def test_the_sql_of_the_pages_is_athenas(page: str) -> None:
    assert blocks(page, "sql")
    for sql in blocks(page, "sql"):
        parse_statement(sql)


def test_owners_and_breaches_stand_beside_compliance_and_change_nothing(story_folder: Path) -> None:
    [owners] = blocks("queries.md", "csv")
    [sums] = blocks("queries.md", "sql")
    lake = open_lake(LakeLocation(str(story_folder)), now=story.NOW)
    lake.add_csv("owners", owners)

    coverage = "3 of 4 targets read, 2 no longer planned"
    assert lake.query(sums).rows == [
        ("platform team", 10, 2, 3, 5, None, None, coverage),
        ("shop team", 2, 0, 0, 2, None, None, coverage),
    ]
