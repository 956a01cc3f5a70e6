"""The demo replaces only the files that it made."""

from pathlib import Path

import pytest

from patchlake_cli.embedded.demo_folder import replace_folder
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.location import MARKER


def test_a_folder_that_does_not_exist_is_made(tmp_path: Path) -> None:
    replace_folder(tmp_path / "a" / "demo")

    assert (tmp_path / "a" / "demo" / MARKER).is_file()


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    replace_folder(tmp_path)

    assert (tmp_path / MARKER).is_file()


def test_what_the_demo_left_is_removed(tmp_path: Path) -> None:
    replace_folder(tmp_path)
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "old.parquet").touch()
    (tmp_path / "functions.log").touch()

    replace_folder(tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == [MARKER]


def test_a_link_in_the_folder_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    replace_folder(tmp_path / "demo")
    (tmp_path / "demo" / "link").symlink_to(tmp_path / "precious")

    replace_folder(tmp_path / "demo")

    assert (tmp_path / "precious" / "file").is_file()


def test_somebody_elses_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    with pytest.raises(CommandError, match="exists and was not made by the demo"):
        replace_folder(tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").touch()

    with pytest.raises(CommandError, match="exists and was not made by the demo"):
        replace_folder(tmp_path / "demo")


def test_a_place_where_nothing_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CommandError, match="cannot be created"):
        replace_folder(tmp_path / "file" / "demo")


def test_a_place_inside_the_folder_of_another_demo_is_refused(tmp_path: Path) -> None:
    replace_folder(tmp_path)

    with pytest.raises(CommandError, match="is the folder of a demo, which deletes everything in it"):
        replace_folder(tmp_path / "lake" / "demo")

    assert not (tmp_path / "lake").exists()
