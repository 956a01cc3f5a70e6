"""Reading a chain of pages to its end, for any use of tokens by the service."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from patchlake.core.records import Page, Record
from patchlake.errors import BrokenAnswerError, RestartError, RetryableError

ATTEMPTS = 3
"""The attempts at a chain before the whole message fails."""

EMPTY_PAGES = 100
"""The pages of a chain that may bring nothing new: AWS may send short and empty pages, but a chain must end."""


IF_IT_LASTS = "If the problem persists, check that no proxy changes answers, then report it to AWS Support"
"""The fix for answers that break the rules of the service."""


@dataclass(slots=True)
class ListingNews:
    """The news in the pages of a listing, which has no other bound that its question could set.

    Attributes:
        subject: of the listing, for the error.
    """

    subject: str
    _known: int = 0
    _pages_without_news: int = 0

    def require(self, known: int) -> None:
        """Require that a page brought something new, or one of the ``EMPTY_PAGES`` before it.

        Args:
            known: the number of different rows in all pages so far.

        Raises:
            RestartError: none did: the chain would never end.
        """
        self._pages_without_news = 0 if known > self._known else self._pages_without_news + 1
        self._known = known
        if self._pages_without_news > EMPTY_PAGES:
            msg = (
                f"{self.subject}: {self._pages_without_news} pages in a row returned nothing new, but had a token. "
                f"{IF_IT_LASTS}"
            )
            raise RestartError(msg)


def read_chain[R: Record, T](
    ask: Callable[[str | None], Page[R]], read: Callable[[Iterable[Page[R]]], T], most_rows: int, subject: str
) -> T:
    """Return the result of ``read`` over every page of a chain, through empty pages, to the one without a token.

    Pages are requested as ``read`` consumes them, so a long chain is never in memory as a whole. A broken chain
    (``RestartError``) is restarted, and ``read`` with it: nothing of the broken chain is kept. A chain with more pages
    than its question can need is broken: each page may hold a single row, and ``EMPTY_PAGES`` more may hold none. Where
    one answer is broken (``BrokenAnswerError``), its page is requested once more before that.

    Args:
        ask: requests the page of a token.
        read: reads the pages.
        most_rows: the most rows that the question can have.
        subject: the subject of the question, for errors.

    Raises:
        RestartError: the chain broke ``ATTEMPTS`` times.
        RetryableError: a token came twice, so the chain would never end.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return read(_chain(ask, most_rows + EMPTY_PAGES, subject))
        except RestartError:
            continue
    return read(_chain(ask, most_rows + EMPTY_PAGES, subject))


def _chain[R: Record](ask: Callable[[str | None], Page[R]], most_pages: int, subject: str) -> Iterator[Page[R]]:
    seen: set[str] = set()
    token = None
    for _ in range(most_pages):
        page = _page(ask, token)
        yield page
        token = page.next_token
        if token is None:
            return
        if token in seen:
            msg = f"{subject}: the service gave the same NextToken twice, after {len(seen) + 1} pages. {IF_IT_LASTS}"
            raise RetryableError(msg)
        seen.add(token)
    msg = (
        f"{subject}: the service has given {most_pages} pages and a token for another one: expected an end before "
        f"that. {IF_IT_LASTS}"
    )
    raise RestartError(msg)


def _page[R: Record](ask: Callable[[str | None], Page[R]], token: str | None) -> Page[R]:
    try:
        return ask(token)
    except BrokenAnswerError:
        return ask(token)
