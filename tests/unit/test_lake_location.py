"""The location of a lake, as people type it."""

from pathlib import Path

import pytest

from patchlake.adapters.directory import DirectoryStore
from patchlake.bootstrap import Aws
from patchlake_cli.embedded.demo_folder import replace_folder
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.store import open_store


@pytest.mark.parametrize(
    ("text", "bucket", "prefix", "tables"),
    [
        ("lake", None, "", "lake/lake"),
        ("/srv/patch lake", None, "", "/srv/patch lake/lake"),
        ("s3://bucket", "bucket", "", "s3://bucket/lake"),
        ("s3://bucket/", "bucket", "", "s3://bucket/lake"),
        ("s3://bucket/some/prefix", "bucket", "some/prefix/", "s3://bucket/some/prefix/lake"),
        ("s3://bucket/some/prefix/", "bucket", "some/prefix/", "s3://bucket/some/prefix/lake"),
        ("S3://bucket/a..b/...", "bucket", "a..b/.../", "s3://bucket/a..b/.../lake"),
    ],
)
def test_a_folder_or_a_bucket(text: str, bucket: str | None, prefix: str, tables: str) -> None:
    location = LakeLocation.parse(text)

    assert (location.bucket, location.prefix, location.tables) == (bucket, prefix, tables)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3://",
        "s3://x",
        "s3://Big",
        "s3://bucket/a//b",
        "gs://bucket",
        "s3://bucket?x=1",
        *("s3://bucket?", "s3://bucket#", "s3://bucket/a?", "s3://bucket/a#", "s3://bucket/a?b#c"),
        *("s3://bucket//a", "s3://bucket/a//", "s3://bucket//"),
        *("s3://bucket/.", "s3://bucket/../a", "s3://bucket/a/./b", "s3://bucket/a/.."),
        *("s3://bucket/a\tb", "s3://buc\tket", "s\t3://bucket/a", " s3://bucket", "\x01s3://bucket/a"),
        *("s3://bucket/a\x00b", "s3://bucket/\x1b[31ma", "s3://bucket/a\rb"),
        "a\nb",
        "a\x00b",
        "\ud800",
        "s3://bucket/a\nb",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"a folder, or s3://BUCKET with|^s3://BUCKET or|a location on one line"):
        LakeLocation.parse(text)


def test_a_folder_that_can_be_made_is_in_nobodys_way(tmp_path: Path) -> None:
    assert LakeLocation.parse(str(tmp_path / "a" / "b")).obstacle() is None
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("below", [".", "x/y"])
def test_a_file_is_no_folder(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()

    obstacle = LakeLocation.parse(str(tmp_path / "file" / below)).obstacle()

    assert obstacle == f"{tmp_path / 'file'} is not a folder"


def test_a_folder_is_a_store_of_files(tmp_path: Path) -> None:
    store = open_store(LakeLocation.parse(str(tmp_path)), Aws(), connections=1)

    assert isinstance(store, DirectoryStore)


@pytest.mark.parametrize("below", ["", "lake", "mine/of/today"])
def test_the_folder_of_a_demo_is_no_place_for_another_lake(tmp_path: Path, below: str) -> None:
    replace_folder(tmp_path / "demo")

    obstacle = LakeLocation.parse(str(tmp_path / "demo" / below)).obstacle()

    assert obstacle == (
        f"{tmp_path / 'demo'} is the folder of a demo, which deletes everything in it when it runs again: "
        "use another folder"
    )


@pytest.mark.parametrize("text", ["s3://x", "s3://BUCKET"])
def test_a_refused_bucket_name_is_answered_with_the_rules_for_names(text: str) -> None:
    with pytest.raises(ValueError, match="with a bucket name of 3 to 63 lowercase letters, digits"):
        LakeLocation.parse(text)


@pytest.mark.parametrize("below", ["", "lake", "coverage/run_date=2026-11-01", "not/yet/there"])
def test_no_lake_is_taken_inside_the_tables_of_another_one(tmp_path: Path, below: str) -> None:
    tables = tmp_path / "mine" / "lake"
    published(tables)

    obstacle = LakeLocation.parse(str(tables / below)).obstacle()

    assert obstacle == (
        f"{tables} contains the tables of a lake, so it cannot contain another one: "
        f"use {tmp_path / 'mine'}, or another folder"
    )
    assert LakeLocation.parse(str(tmp_path / "mine")).obstacle() is None
    assert LakeLocation.parse(str(tmp_path / "other")).obstacle() is None


def test_a_copy_of_the_tables_of_a_bucket_is_no_place_for_a_lake(tmp_path: Path) -> None:
    published(tmp_path / "copy")

    obstacle = LakeLocation.parse(str(tmp_path / "copy")).obstacle()

    assert obstacle == (
        f"{tmp_path / 'copy'} contains the tables of a lake, so it cannot contain another one: use another folder"
    )


def published(tables: Path) -> None:
    """Publish the coverage of a run."""
    file = tables / "coverage" / "run_date=2026-11-01" / "20261101T060000Z.parquet"
    file.parent.mkdir(parents=True)
    file.touch()


@pytest.mark.parametrize(
    ("text", "tables", "place"),
    [
        ("s3://bucket/lake/patch_states", "s3://bucket/lake", "s3://bucket, or "),
        ("s3://bucket/a/lake/tags/mine", "s3://bucket/a/lake", "s3://bucket/a, or "),
        ("s3://bucket/a/lake/coverage/run_date=2026-11-12", "s3://bucket/a/lake", "s3://bucket/a, or "),
        ("s3://bucket/a/patch_states", "s3://bucket/a", ""),
        ("s3://bucket/a/patches/run_date=2026-11-12/mine", "s3://bucket/a", ""),
        ("s3://bucket/run_date=2026-11-12", "s3://bucket", ""),
    ],
)
def test_a_place_in_a_bucket_whose_path_names_a_table_is_no_place_for_another_lake(
    text: str, tables: str, place: str
) -> None:
    assert LakeLocation.parse(text).obstacle() == (
        f"{tables} contains the tables of a lake, so it cannot contain another one: use {place}another folder"
    )


@pytest.mark.parametrize(
    "text", ["s3://lake/tags", "s3://bucket/patches", "s3://bucket/lake", "s3://bucket/a/lake/mine"]
)
def test_other_places_in_a_bucket_are_open_to_a_lake(text: str) -> None:
    assert LakeLocation.parse(text).obstacle() is None
