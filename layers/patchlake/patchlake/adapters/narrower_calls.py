"""Several narrower calls in place of one whose filter the service refuses, as one chain of pages.

A token of such a chain is the number of its call and the service's own token. Call 0 is the one with the whole filter.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from patchlake.core.error_codes import without_suffix
from patchlake.core.plan import Plan
from patchlake.core.records import Page, Record
from patchlake.errors import RefusedError, RestartError
from patchlake.sources.source import Operation

FILTER_REFUSED = "InvalidFilter"


class NarrowerCalls:
    """The calls about one target; once it refuses the whole filter of an operation, its other chains do without."""

    def __init__(self) -> None:
        """Begin with whole filters."""
        self._refused: set[Operation] = set()

    def page(
        self,
        operation: Operation,
        ids: Sequence[str],
        plan: Plan,
        token: str | None,
        ask: Callable[[dict[str, Any], str | None], Page[Record]],
    ) -> Page[Record]:
        """Request one page of a chain.

        Args:
            operation: asked for.
            ids: asked about.
            plan: of the run.
            token: of the page; None for the first one.
            ask: requests one page of one call, by its parameters and the service's own token.

        Raises:
            RestartError: the whole filter is refused; the next chain consists of the narrower calls.
        """
        narrower = operation.narrower(ids, plan)
        if not narrower:
            return ask(operation.request(ids, plan), token)
        calls = [operation.request(ids, plan), *narrower]
        number, own_token = _place(token, int(operation in self._refused))
        try:
            page = ask(calls[number], own_token)
        except RefusedError as refusal:
            if number > 0 or without_suffix(refusal.code) != FILTER_REFUSED:
                raise
            self._refused.add(operation)
            raise RestartError(str(refusal)) from refusal
        if page.next_token is not None:
            return replace(page, next_token=f"{number}:{page.next_token}")
        is_last = number in {0, len(narrower)}
        return page if is_last else replace(page, next_token=f"{number + 1}:")


def _place(token: str | None, first: int) -> tuple[int, str | None]:
    """Return the number of the call that a token belongs to, and the service's own token."""
    if token is None:
        return first, None
    number, _, own_token = token.partition(":")
    return int(number), own_token or None
