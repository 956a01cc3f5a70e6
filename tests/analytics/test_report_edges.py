"""Reports of nearly empty lakes: without any node, or without any target that could be read."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from patchlake_cli.lake.engine import open_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.report.page import render_page
from patchlake_cli.report.reading import read_figures
from tests.analytics.story import A_EU, A_US, B_EU, B_US, R1, new_world, refuse, run, write_lake
from tests.world import World

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the drawing to the tests of the charts."""
    monkeypatch.setattr("vl_convert.vegalite_to_svg", lambda *_args, **_options: "<svg></svg>")


def page_of(world: World, folder: Path) -> str:
    run(world, R1)
    write_lake(world, folder)
    return render_page(read_figures(open_lake(LakeLocation(str(folder)), now=NOW)))


def tiles(page: str) -> list[str]:
    """Return the headline figures."""
    return re.findall(r"<dd>(.*?)</dd>", page.partition('<dl class="tiles">')[2].partition("</dl>")[0], re.DOTALL)


def test_a_fleet_without_a_node_is_zero_nodes_and_no_percentage(tmp_path: Path) -> None:
    page = page_of(new_world(), tmp_path)

    unknown = '<span class="unknown">not known</span>'
    assert tiles(page) == [unknown, "0", "0", "0", unknown, "0"]
    assert "not everything was read" not in page
    assert "Every target was read, and the state of every node that Systems Manager lists is known." in page


def test_a_run_that_could_read_nothing_knows_nothing(tmp_path: Path) -> None:
    world = new_world()
    for target in (A_EU, A_US, B_EU, B_US):
        refuse(world, target, "ACCESS_DENIED", "AccessDeniedException", "DescribeInstanceInformation")

    page = page_of(world, tmp_path)

    unknown = '<span class="unknown">not known</span>'
    assert tiles(page) == [unknown, unknown, unknown, unknown, unknown, "4"]
    assert "4 of them were not read on any day since 2026-09-27, so the number of their nodes is not known." in page
    assert "4 targets could not be compared, so their changes are not known." in page
