"""The report as a file: read the figures of a lake, render the page, and write it atomically."""

import os
from contextlib import suppress
from pathlib import Path

from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.engine import Lake
from patchlake_cli.report.figures import Figures
from patchlake_cli.report.page import render_page
from patchlake_cli.report.reading import read_figures


def write_report(lake: Lake, out: Path) -> Figures:
    """Write the report of a lake; a reader of the file sees the old report or the new one, never a part.

    Raises:
        LakeError: a file of the lake cannot be read.
        CommandError: the report cannot be written.
    """
    figures = read_figures(lake)
    page = render_page(figures)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(out)
    except OSError as error:
        raise CommandError(f"cannot write {out}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return figures
