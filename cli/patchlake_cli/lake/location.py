"""The location of a lake: a folder, or a bucket with an optional prefix."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from patchlake_cli.absent_path import absence

NO_ACCESS = "permission denied, or a read-only file system"
"""Why a folder cannot be written; the system does not say which of the two."""

_IN_A_BUCKET = re.compile(r"s3://(?P<bucket>[^/?#]*)(?P<path>.*)", re.IGNORECASE | re.DOTALL)
_NOT_IN_A_PREFIX = re.compile(r"[?#\x00-\x1f\x7f]")

MARKER = ".patchlake-demo"
"""The file in the folder that a demo made."""


@dataclass(frozen=True, slots=True)
class LakeLocation:
    """A location, as the user gave it.

    Attributes:
        bucket: None where the lake is a folder.
        prefix: the prefix of every key in the bucket; empty, or with a slash at its end.
    """

    text: str
    bucket: str | None = None
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> "LakeLocation":
        """Read a location.

        Raises:
            ValueError: it is neither a folder nor a bucket; the text is what was expected.
        """
        # Not at the top: a command's help needs only the type of its option.
        from patchlake.config import VARIABLES  # noqa: PLC0415

        if "\n" in text:
            raise ValueError("a location on one line")
        found = _IN_A_BUCKET.fullmatch(text)
        if found is None:
            if not text or "://" in text or not is_path(text):
                raise ValueError("a folder, or s3://BUCKET with an optional prefix")
            return cls(text)
        bucket: str | None = VARIABLES["PATCHLAKE_BUCKET"].parse(found["bucket"])
        if bucket is None:
            raise ValueError(
                "s3://BUCKET or s3://BUCKET/PREFIX, with a bucket name of 3 to 63 lowercase letters, digits, dots and "
                "hyphens"
            )
        path = found["path"].removesuffix("/")
        # Not every program sends the others in the same way.
        if _NOT_IN_A_PREFIX.search(path) or any(part in {"", ".", ".."} for part in path.split("/")[1:]):
            raise ValueError(
                "s3://BUCKET or s3://BUCKET/PREFIX, without //, ?, #, control characters, and folders . or .. in PREFIX"
            )
        return cls(f"s3://{bucket}{path}", bucket, f"{path[1:]}/" if path else "")

    @property
    def tables(self) -> str:
        """The location of the published tables."""
        return f"{self.text}/lake" if self.bucket else str(Path(self.text) / "lake")

    def obstacle(self) -> str | None:
        """Return the reason why a location is no place for a lake, without writing; a bucket is not asked."""
        if self.bucket is not None:
            return _within_tables(tables) if (tables := _tables_named_in(self.text)) else None
        folder = Path(self.text).absolute()
        return _other_use(folder.resolve()) or _why_not_writable(folder)


def is_path(text: str) -> bool:
    """Whether the system could have a file of this name: a program may pass what no command line can."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def made_by_demo(folders: Iterable[Path]) -> str | None:
    """Return the reason why nothing else should be put into these folders, if a demo made one of them."""
    demo = next((each for each in folders if (each / MARKER).is_file()), None)
    reason = "is the folder of a demo, which deletes everything in it when it runs again: use another folder"
    return None if demo is None else f"{demo} {reason}"


def _other_use(folder: Path) -> str | None:
    """Return the reason why a folder that may be writable is no place for a lake."""
    within = (folder, *folder.parents)
    if demo := made_by_demo(within):
        return demo
    if tables := next(filter(_has_tables, within), None):
        return _within_tables(str(tables))
    return None


def _within_tables(tables: str) -> str:
    place = f"{tables.removesuffix('/lake')}, or " if tables.endswith("/lake") else ""
    return f"{tables} contains the tables of a lake, so it cannot contain another one: use {place}another folder"


def _tables_named_in(text: str) -> str | None:
    """Return the part of a location in a bucket that contains the tables of a lake, by the names after it, if any."""
    # Not at the top: a command's help needs only the type of its option.
    from patchlake.sources.registry import SOURCES  # noqa: PLC0415

    tables = "|".join(table.name for table in SOURCES.tables)
    # Only in lake/ is the name of any table more than an ordinary word.
    named = rf"(?<=[^/]/lake)/(?:{tables})|/patch_states|(?:/[^/]+)?/run_date=[^/]*"
    found = re.match(rf"(s3://.+?)(?:{named})(?:/|\Z)", text)
    return found and found[1]


def _why_not_writable(folder: Path) -> str | None:
    while not folder.exists() and folder != folder.parent:
        if folder.is_symlink():
            return f"{folder} {absence(folder)}"
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder} is not a folder"
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return f"cannot write to {folder}: {NO_ACCESS}"
    return None


def _has_tables(folder: Path) -> bool:
    """Whether a folder contains the table of the coverage, into which each run is published."""
    return any((folder / "coverage").glob("run_date=*/*.parquet"))
