"""The story's lake, told once per process."""

from pathlib import Path

import pytest

from generators.large_day import write_large_day
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.location import LakeLocation
from tests.analytics import story
from tests.analytics.ec2_story import write_ec2_story
from tests.analytics.patch_story import write_patch_story


@pytest.fixture(scope="session")
def story_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("story")
    story.tell(folder)
    return folder


@pytest.fixture(scope="session")
def lake(story_folder: Path) -> Lake:
    return open_lake(LakeLocation(str(story_folder)), now=story.NOW)


@pytest.fixture(scope="session")
def patch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patches")
    write_patch_story(folder)
    return folder


@pytest.fixture(scope="session")
def patch_lake(patch_folder: Path) -> Lake:
    return open_lake(LakeLocation(str(patch_folder)), now=story.NOW)


@pytest.fixture(scope="session")
def ec2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ec2")
    write_ec2_story(folder)
    return folder


@pytest.fixture(scope="session")
def ec2_lake(ec2_folder: Path) -> Lake:
    return open_lake(LakeLocation(str(ec2_folder)), now=story.NOW)


@pytest.fixture(scope="session")
def large_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large_day")
    write_large_day(folder)
    return folder
