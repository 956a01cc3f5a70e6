"""The suggestion for a name that does not exist: a similar one that does."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggested(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message about a name: a similar known name, if there is one."""
    close = get_close_matches(name, known, 1)
    return f'; did you mean "{close[0]}"?' if close else "."
