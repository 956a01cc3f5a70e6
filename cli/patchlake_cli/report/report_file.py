"""A report as text, in one of its formats, and as a file that is written atomically."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from patchlake_cli.exit_codes import CommandError
from patchlake_cli.report.document import render_json
from patchlake_cli.report.figures import Figures
from patchlake_cli.report.markdown import render_markdown
from patchlake_cli.report.page import render_page
from patchlake_cli.report.report_format import ReportFormat

RENDERERS: Mapping[ReportFormat, Callable[[Figures], str]] = {
    ReportFormat.HTML: render_page,
    ReportFormat.MARKDOWN: render_markdown,
    ReportFormat.JSON: render_json,
}
"""A function for each format: the same figures give the same text."""


def write_report(text: str, out: Path) -> None:
    """Write a report; a reader of the file sees the old report or the new one, never a part.

    Raises:
        CommandError: it cannot be written.
    """
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(out)
    except OSError as error:
        raise CommandError(f"cannot write {out}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
