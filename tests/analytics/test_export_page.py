"""The output of an export is about a run that the lake shows as published, and about no other."""

import pytest

from patchlake_cli.export.page import read_page
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.terminal.observation import Observation
from tests.analytics.story import R5, R6


def test_a_published_run_has_a_page(lake: Lake) -> None:
    assert read_page(lake, "lake", Observation(R5), 0.0).summary.run.is_published


def test_a_run_whose_snapshot_the_lake_does_not_have_is_an_error_and_not_a_page_of_zeros(lake: Lake) -> None:
    with pytest.raises(LakeError, match=f"^run {R6} has ended, but its file of coverage or patch_states is missing"):
        read_page(lake, "lake", Observation(R6), 0.0)
