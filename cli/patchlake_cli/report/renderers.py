"""A report as text, in one of its formats."""

from collections.abc import Callable, Mapping

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
