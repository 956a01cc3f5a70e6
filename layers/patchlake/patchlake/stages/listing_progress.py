"""The time that a listing used for its rows: only a listing that fills an invocation with them is too large for one.

Everything else that takes time is waiting: pauses, a chain that is read again, calls that the SDK repeated, slow pages.
A later invocation may do without it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from patchlake.core.call_counter import CallCounter
from patchlake.core.records import Page
from patchlake.core.timings import DISCOVER, LONGEST_PAGE_SECONDS, RESERVE_SECONDS
from patchlake.stages.throttled_calls import ThrottledCalls

_ALMOST_ALL = 0.9


@dataclass(slots=True)
class ListingProgress:
    """The progress of one target's listing within one invocation.

    Attributes:
        page_size: the rows of a full page.
        calls: make the requests.
        call_counter: counts the SDK's retries.
        page_seconds: the longest time that counts for a full page; a shorter page counts for less.
        used_seconds: the time that counts, of the chain of pages that is being read.
    """

    page_size: int
    calls: ThrottledCalls
    call_counter: CallCounter
    page_seconds: float = LONGEST_PAGE_SECONDS
    used_seconds: float = 0

    def page(self, ask: Callable[[], Page[Any]], *, is_first: bool) -> Page[Any]:
        """Request a page of the listing, and measure it."""
        if is_first:
            self.used_seconds = 0
        retries = 0

        def counted() -> Page[Any]:
            nonlocal retries
            retries = self.call_counter.retries
            return ask()

        page = self.calls.call(counted)
        if self.call_counter.retries == retries:
            normal = self.page_seconds * len(page.rows) / self.page_size
            self.used_seconds += min(self.calls.call_seconds, normal)
        return page

    @property
    def fills_an_invocation(self) -> bool:
        """Whether the rows that were read take almost all the time that any invocation has for a listing."""
        return self.used_seconds >= _ALMOST_ALL * (DISCOVER.timeout_seconds - RESERVE_SECONDS)
