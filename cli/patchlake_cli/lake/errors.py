"""The errors of a query over a lake."""

from patchlake.errors import PatchlakeError


class LakeError(PatchlakeError):
    """There is no lake at the given location, or it cannot be read."""


class QueryError(PatchlakeError):
    """A query that cannot be answered; the text shows the position of the mistake if it is known."""


class ParameterError(QueryError):
    """A parameter of a query is missing, unknown or not of its type; the text says what was expected."""
