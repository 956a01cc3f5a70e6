"""Following a chain of pages to its end, whatever the service does with its tokens."""

from collections.abc import Callable, Iterable, Iterator

from patchlake.core.records import Page, Record
from patchlake.errors import RestartError, RetryableError

ATTEMPTS = 3
"""How often a chain is begun before the whole message fails."""


def read_chain[R: Record, T](ask: Callable[[str | None], Page[R]], read: Callable[[Iterable[Page[R]]], T]) -> T:
    """Return what ``read`` makes of every page of a chain, through empty pages, to the one without a token.

    A page is asked for when ``read`` wants it, so that a long chain is never held whole. A broken chain
    (``RestartError``) is begun anew, and ``read`` with it: nothing of the broken one is kept.

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
        page = ask(token)
        yield page
        token = page.next_token
        if token is None:
            return
        if token in seen:
            msg = f"the service gave the same NextToken twice, after {len(seen) + 1} pages"
            raise RetryableError(msg)
        seen.add(token)
