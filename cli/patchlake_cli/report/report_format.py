"""The formats of a report."""

from enum import StrEnum


class ReportFormat(StrEnum):
    """A format, by the name that a user gives."""

    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"

    @property
    def suffix(self) -> str:
        """The suffix of its files."""
        return "md" if self is ReportFormat.MARKDOWN else self.value
