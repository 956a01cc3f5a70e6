"""The errors of a query over a lake."""

from datetime import date

from patchlake.errors import PatchlakeError


class LakeError(PatchlakeError):
    """There is no lake at the given location, or it cannot be read."""


class QueryError(PatchlakeError):
    """A query that cannot be answered; the text shows the position of the mistake if it is known."""


class ParameterError(QueryError):
    """A parameter of a query is missing, unknown or not of its type; the text says what was expected."""


class FutureDateError(QueryError):
    """A lake is to be shown as of a date that has not begun, and of which it has no run.

    Attributes:
        latest: the last date that it can be shown as of.
    """

    def __init__(self, as_of: date, latest: date) -> None:
        """Take the date that was asked for, and the last one that can be."""
        super().__init__(f"as_of is {as_of}: expected a UTC date up to {latest}")
        self.latest = latest
