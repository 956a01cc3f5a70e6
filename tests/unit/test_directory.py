"""Faults that only a store in a folder can have: the file system's refusals, keys that are paths."""

import errno
import os
from io import BytesIO
from pathlib import Path

import pytest

from patchlake.adapters.directory import DirectoryStore
from patchlake.errors import InputError, PermanentError


def files_of(folder: Path) -> list[str]:
    """Return every file, also those that the store does not list."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_objects_are_plain_files_under_their_keys(tmp_path: Path) -> None:
    DirectoryStore(tmp_path).create("lake/coverage/run_date=2026-11-23/x.parquet", b"content")

    assert files_of(tmp_path) == ["lake/coverage/run_date=2026-11-23/x.parquet"]
    assert (tmp_path / "lake/coverage/run_date=2026-11-23/x.parquet").read_bytes() == b"content"


def test_a_body_that_cannot_be_read_to_its_end_creates_nothing(tmp_path: Path) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002
            raise ConnectionResetError

    with pytest.raises(PermanentError):
        DirectoryStore(tmp_path).create("a", Broken())

    assert files_of(tmp_path) == []


def test_an_object_is_on_the_disk_before_its_key_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, link = os.fsync, os.link

    def watched_fsync(descriptor: int) -> None:
        steps.append("sync folder" if os.path.samestat(os.fstat(descriptor), tmp_path.stat()) else "sync file")
        fsync(descriptor)

    def watched_link(source: str, target: Path) -> None:
        steps.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "link", watched_link)

    DirectoryStore(tmp_path).create("a", b"content")

    assert steps == ["sync file", "link", "sync folder"]


def test_the_names_of_new_folders_are_durable_also_where_another_process_made_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync = os.fsync

    def watched_fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    lake = tmp_path / "new" / "lake"
    (lake / "runs").mkdir(parents=True)
    store = DirectoryStore(lake)

    store.create("runs/1/shards/a", b"")
    first = [path for path in synced if path.is_dir()]
    synced.clear()
    store.create("runs/1/shards/b", b"")
    DirectoryStore(tmp_path / "other" / "lake").create("a", b"")

    assert first == [lake, lake / "runs", lake / "runs/1", lake / "runs/1/shards"]
    assert [path for path in synced if path.is_dir()] == [
        lake / "runs/1/shards",
        tmp_path,
        tmp_path / "other",
        tmp_path / "other/lake",
    ]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_has_the_permissions_that_the_user_gives_to_new_files(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        DirectoryStore(tmp_path / "lake").create("lake/a", b"content")
    finally:
        os.umask(before)

    assert (tmp_path / "lake/lake/a").stat().st_mode & 0o777 == mode
    assert (tmp_path / "lake/lake").stat().st_mode & 0o777 == mode | (mode & 0o444) >> 2


@pytest.mark.parametrize(
    "key", ["../a", "a/../../b", "/etc/passwd", "a//b", "a/./b", ".", "..", "", "a/", "a\0b", ".tmp/a"]
)
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    store = DirectoryStore(tmp_path / "lake")

    with pytest.raises(InputError):
        store.create(key, b"")
    with pytest.raises(InputError):
        store.get(key)
    with pytest.raises(InputError):
        store.exists(key)

    assert files_of(tmp_path) == []


def test_no_listing_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"")

    with pytest.raises(InputError):
        DirectoryStore(tmp_path / "lake").keys("../")


def test_a_folder_that_is_not_there_yet_is_an_empty_lake(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "new" / "lake")

    assert list(store.keys("")) == []
    assert list(store.keys("runs/20261123T060000Z/")) == []
    assert store.get("a") is None
    assert store.exists("a") is False
    assert store.create("a", b"") is True


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS])
def test_a_file_system_that_refuses_is_named_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)

    with pytest.raises(PermanentError, match=f"{tmp_path}/a: {os.strerror(number)}") as caught:
        DirectoryStore(tmp_path).create("a", b"content")

    assert files_of(tmp_path) == []
    assert ("Free some space, then run the same command again" in str(caught.value)) == (
        number in {errno.ENOSPC, errno.EDQUOT}
    )


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DirectoryStore(tmp_path)
    store.create("a/b", b"")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "a":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)

    with pytest.raises(PermanentError, match="Permission denied"):
        list(store.keys(""))


def test_an_object_that_cannot_be_looked_at_is_not_an_absent_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> object:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)

    with pytest.raises(PermanentError, match="Permission denied"):
        DirectoryStore(tmp_path).exists("a/b")


def test_a_key_that_is_the_folder_of_another_is_refused_and_not_taken_for_an_object(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.create("a/b", b"")

    assert store.exists("a") is False
    with pytest.raises(PermanentError):
        store.get("a")
