"""Reading a chain of pages to its end, for any use of tokens by the service."""

from collections.abc import Callable, Iterable, Iterator

from patchlake.core.records import Page, Record
from patchlake.errors import BrokenAnswerError, RestartError, RetryableError

ATTEMPTS = 3
"""The attempts at a chain before the whole message fails."""


def read_chain[R: Record, T](ask: Callable[[str | None], Page[R]], read: Callable[[Iterable[Page[R]]], T]) -> T:
    """Return the result of ``read`` over every page of a chain, through empty pages, to the one without a token.

    Pages are requested as ``read`` consumes them, so a long chain is never in memory as a whole. A broken chain
    (``RestartError``) is restarted, and ``read`` with it: nothing of the broken chain is kept. Where one answer is
    broken (``BrokenAnswerError``), its page is requested once more before that.

    Raises:
        RestartError: the chain broke ``ATTEMPTS`` times.
        RetryableError: a token came twice, so the chain would never end.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return read(_chain(ask))
        except RestartError:
            continue
    return read(_chain(ask))


def _chain[R: Record](ask: Callable[[str | None], Page[R]]) -> Iterator[Page[R]]:
    seen: set[str] = set()
    token = None
    while True:
        page = _page(ask, token)
        yield page
        token = page.next_token
        if token is None:
            return
        if token in seen:
            msg = f"the service gave the same NextToken twice, after {len(seen) + 1} pages"
            raise RetryableError(msg)
        seen.add(token)


def _page[R: Record](ask: Callable[[str | None], Page[R]], token: str | None) -> Page[R]:
    try:
        return ask(token)
    except BrokenAnswerError:
        return ask(token)
