"""The snippets of docs/interoperability.md that need no packages but the project's own."""

import re
import sys
from pathlib import Path

import pytest

from patchlake_cli.lake.engine import Lake
from tests.analytics.story import R5
from tests.snippets import print_from, snippet


@pytest.mark.parametrize("reader", ["DuckDB", "Polars"])
def test_another_reader_counts_the_same_nodes(reader: str, lake: Lake, story_folder: Path, tmp_path: Path) -> None:
    expected = lake.query(f"SELECT collection_status, count(*) FROM patch_states WHERE run_id = '{R5}' GROUP BY 1").rows  # noqa: S608

    printed = print_from(sys.executable, snippet("interoperability.md", reader), story_folder, tmp_path)

    assert len(expected) > 1
    for status, nodes in expected:
        assert re.search(rf"\b{status}\W+{nodes}\b", printed), printed
