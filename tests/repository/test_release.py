"""The version, the changelog and the documents agree about the newest release."""

import re
from pathlib import Path

import pytest

from generators.release import newest_release
from patchlake import __version__

ROOT = Path(__file__).parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_newest_entry_of_the_changelog_is_the_version() -> None:
    assert newest_release(CHANGELOG) == __version__


def test_what_is_not_released_yet_stands_above_the_newest_release() -> None:
    first, second, *_ = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)

    assert first == "[Unreleased]"
    assert second.startswith(f"[{__version__}] - ")


@pytest.mark.parametrize("document", ["README.md", "docs/deploy.md"])
def test_the_files_of_a_release_have_its_version_in_the_documents(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")

    versions = re.findall(r"patchlake(?:-template)?-(\d+\.\d+\.\d+)\b", text)

    assert {*versions} == {__version__}


@pytest.mark.parametrize(
    ("changelog", "version"),
    [
        ("# Changelog\n\n## [Unreleased]\n", None),
        ("## [Unreleased]\n\n## [1.2.3] - 2026-11-27\n\n## [1.2.2] - 2026-11-26\n", "1.2.3"),
        ("## [1.2.3]\n\n## [1.2.2] - 2026-11-26\n", "1.2.2"),
        ("## [1.2.3] - soon\n", None),
    ],
)
def test_an_entry_without_a_version_or_a_day_is_no_release(changelog: str, version: str | None) -> None:
    assert newest_release(changelog) == version
