"""A lake in a local folder, with the same guarantee as S3: an object is created once, whole or not at all.

A new object is written to a temporary file and hard-linked to its key, which fails if the key exists. Temporary files
of a killed process are never listed and do no harm.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from patchlake.errors import InputError, PermanentError

TEMPORARY = ".tmp"

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The errors of a full disk, or of a full quota."""


class DirectoryStore:
    """``Store`` in a folder of a file system with hard links.

    Every method raises PermanentError if the file system refuses: no space, no permission, no hard links.
    """

    def __init__(self, folder: Path) -> None:
        """Use a folder, which is made with its first object."""
        self._folder = folder
        self._durable: set[Path] = set()

    def get(self, key: str) -> bytes | None:
        """Return the object's bytes; None if it does not exist."""
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failure(key, error) from error

    def exists(self, key: str) -> bool:
        """Whether the object exists."""
        try:
            return stat.S_ISREG(self._path(key).stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self._failure(key, error) from error

    def create(self, key: str, body: bytes | BinaryIO) -> bool:
        """Create the object; return False if it exists already."""
        path = self._path(key)
        try:
            self._make_folder(path.parent)
            with self._temporary_file() as file:
                if isinstance(body, bytes):
                    file.write(body)
                else:
                    shutil.copyfileobj(body, file)
                file.flush()
                os.fsync(file.fileno())
                try:
                    os.link(file.name, path)
                except FileExistsError:
                    return False
            _sync_folder(path.parent)
        except OSError as error:
            raise self._failure(key, error) from error
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        """List the keys that begin with ``prefix``, in ascending order of their UTF-8 bytes, as S3 does."""
        # Only the folder in which the prefix ends can hold such keys, and in it only names that begin like its end.
        start = self._path(prefix + "_").parent if prefix else self._folder
        beginning = prefix.rpartition("/")[2]

        def failed(error: OSError) -> None:
            # Otherwise, a folder that cannot be read would look empty.
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise self._failure(prefix, error) from error

        listed = []
        for folder, folders, names in os.walk(start, onerror=failed):
            if folder == os.fspath(start):
                folders[:] = [name for name in folders if name.startswith(beginning)]
            listed += [(Path(folder) / name).relative_to(self._folder).as_posix() for name in names]
        found = (key for key in listed if key.startswith(prefix) and not key.startswith(f"{TEMPORARY}/"))
        return iter(sorted(found, key=str.encode))

    def _make_folder(self, folder: Path) -> None:
        """Make a folder, with its parents, and make their names durable.

        A folder of the lake may exist and not be durable yet: another process has just made it, or was killed then.
        """
        if folder in self._durable or (folder.is_dir() and self._folder not in folder.parents):
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)
        self._durable.add(folder)

    @contextmanager
    def _temporary_file(self) -> Iterator[BinaryIO]:
        """Open a new file, with the permissions that any new file of this user has."""
        path = self._folder / TEMPORARY / uuid4().hex
        path.parent.mkdir(exist_ok=True)
        try:
            with path.open("xb") as file:
                yield file
        finally:
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        """Return the file of a key.

        Raises:
            InputError: the key leads out of the folder, or to its temporary files.
        """
        parts = key.split("/")
        if key.startswith("/") or "\0" in key or not set(parts).isdisjoint({"", ".", ".."}) or parts[0] == TEMPORARY:
            msg = f"{key!r} is not the key of an object in {self._folder}"
            raise InputError(msg)
        return self._folder.joinpath(*parts)

    def _failure(self, key: str, error: OSError) -> PermanentError:
        fix = ". Free some space, then run the same command again" if error.errno in _FULL else ""
        return PermanentError(f"{self._folder / key}: {error.strerror or error}{fix}")


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
