"""The errors of a question to a lake."""

from patchlake.errors import PatchlakeError


class LakeError(PatchlakeError):
    """There is no lake at the place that was named, or it cannot be read."""


class QueryError(PatchlakeError):
    """A question that cannot be answered as it is asked; the text shows the place where it can."""
