"""The errors of a query over a lake."""

from patchlake.errors import PatchlakeError


class LakeError(PatchlakeError):
    """There is no lake at the given location, or it cannot be read."""


class QueryError(PatchlakeError):
    """A query that cannot be answered; the text shows the position of the mistake if it is known."""
