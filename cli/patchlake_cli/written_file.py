"""A file that a user asked for, written as a whole."""

import os
from contextlib import suppress
from pathlib import Path

from patchlake.core.keys import CREATED_ONCE, LAKE
from patchlake_cli.absent_path import absence
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.option_values import wrong_value

_FORMATS = {
    ".csv": "csv",
    ".htm": "html",
    ".html": "html",
    ".json": "json",
    ".jsonl": "jsonl",
    ".md": "markdown",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
"""The format that a file has by the suffix of its name; any other suffix goes with every format."""


def require_writable(out: Path, file_format: str) -> None:
    """Refuse the path of ``--out`` where no file can be, or none of this format, before the work is done.

    Raises:
        OptionError: it is not a file, its folder is not a folder, it is in a lake, or its name has another format.
    """
    if out.is_symlink() and not out.exists() and not out.resolve().parent.is_dir():
        raise wrong_value(out, f"a file, and it {absence(out)}", "--out")
    if out.exists() and not out.is_file():
        raise wrong_value(out, "a file", "--out")
    if not out.parent.is_dir():
        problem = "is not a folder" if out.parent.exists() else "does not exist"
        raise wrong_value(out, f"a file in a folder, and {out.parent} {problem}", "--out")
    if any(map(_has_objects, out.resolve().parents)):
        raise wrong_value(out, "a file outside the lake's folders, whose files are never replaced", "--out")
    if _FORMATS.get(out.suffix.lower(), file_format) != file_format:
        raise wrong_value(out, f"a name that does not end in {out.suffix}, since --format is {file_format}", "--out")


def _has_objects(folder: Path) -> bool:
    """Whether the files of a folder are objects of a lake."""
    is_of_lake = f"{folder.name}/" in CREATED_ONCE and (folder.parent / LAKE / "coverage").is_dir()
    return is_of_lake or folder.name.startswith("run_date=")


def write_file(content: bytes, out: Path) -> None:
    """Write a file; a reader sees the old file or the new one, never a part.

    Raises:
        CommandError: it cannot be written.
    """
    # A link stays one.
    out = out.resolve()
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(out)
    except OSError as error:
        raise CommandError(f"cannot write {out}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
