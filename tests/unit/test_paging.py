"""Following a chain of pages, for any use of tokens by the service."""

from collections.abc import Iterator
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.core.paging import ATTEMPTS, EMPTY_PAGES, read_chain
from patchlake.core.records import NodeRecord, Page
from patchlake.errors import BrokenAnswerError, RestartError, RetryableError
from tests.world import node_id, node_information

MOST_ROWS = 50
SUBJECT = "run 20261101T060000Z, target 111122223333.eu-central-1"


def page(*numbers: int, then: str | None = None) -> Page[NodeRecord]:
    return Page([node_information(number) for number in numbers], then, 0)


class Script:
    """A service that answers as scripted, and remembers the tokens it was asked with."""

    def __init__(self, *answers: Page[NodeRecord] | RetryableError) -> None:
        self._answers = iter(answers)
        self.asked: list[str | None] = []

    def __call__(self, token: str | None) -> Page[NodeRecord]:
        self.asked.append(token)
        answer = next(self._answers)
        if isinstance(answer, RetryableError):
            raise answer
        return answer


def ids_of(pages: list[Page[NodeRecord]]) -> list[str]:
    return [record.instance_id for page in pages for record in page.records]


@given(sizes=st.lists(st.integers(0, 3)))
def test_every_page_is_returned_in_order_empty_ones_included(sizes: list[int]) -> None:
    pages = [page(*range(size), then=f"token {i}") for i, size in enumerate(sizes)]
    service = Script(*pages, page(99))

    assert read_chain(service, list, MOST_ROWS, SUBJECT) == [*pages, page(99)]
    assert service.asked == [None, *(f"token {i}" for i in range(len(sizes)))]


def test_a_page_is_asked_for_when_the_one_before_has_been_read() -> None:
    service = Script(page(1, then="a"), page(2, then="b"), page(3))

    asked_before = read_chain(service, lambda pages: [len(service.asked) for _ in pages], MOST_ROWS, SUBJECT)

    assert asked_before == [1, 2, 3]


def test_a_chain_that_breaks_is_begun_anew_and_nothing_of_the_broken_one_is_kept() -> None:
    service = Script(page(1, then="a"), RestartError("token refused"), page(2, then="b"), page(3))

    assert ids_of(read_chain(service, list, MOST_ROWS, SUBJECT)) == [node_id(2), node_id(3)]
    assert service.asked == [None, "a", None, "b"]


def test_a_page_whose_answer_is_broken_is_asked_for_again_before_the_chain_starts_over() -> None:
    service = Script(page(1, then="a"), BrokenAnswerError("cut short"), page(2, then="b"), page(3))

    assert ids_of(read_chain(service, list, MOST_ROWS, SUBJECT)) == [node_id(1), node_id(2), node_id(3)]
    assert service.asked == [None, "a", "a", "b"]


def test_a_page_whose_answer_is_broken_twice_starts_the_chain_over() -> None:
    broken = [BrokenAnswerError("cut short")] * 2
    service = Script(page(1, then="a"), *broken, page(1, then="a"), page(2))

    assert ids_of(read_chain(service, list, MOST_ROWS, SUBJECT)) == [node_id(1), node_id(2)]
    assert service.asked == [None, "a", "a", None, "a"]


def test_a_first_page_that_is_always_broken_is_given_up() -> None:
    service = Script(*(BrokenAnswerError(f"cut short, answer {i}") for i in range(1, 99)))

    with pytest.raises(BrokenAnswerError, match=f"answer {2 * ATTEMPTS}$"):
        read_chain(service, list, MOST_ROWS, SUBJECT)


def test_a_token_may_come_again_after_a_restart() -> None:
    service = Script(page(1, then="a"), RestartError("token refused"), page(1, then="a"), page(2))

    assert ids_of(read_chain(service, list, MOST_ROWS, SUBJECT)) == [node_id(1), node_id(2)]


def test_a_chain_that_breaks_every_time_is_given_up() -> None:
    service = Script(*(RestartError(f"token refused, attempt {i}") for i in range(1, 9)))

    with pytest.raises(RestartError, match=f"attempt {ATTEMPTS}$"):
        read_chain(service, list, MOST_ROWS, SUBJECT)
    assert service.asked == [None] * ATTEMPTS


@pytest.mark.parametrize(
    "tokens", [["a", "a"], ["a", "b", "a"], ["a", "b", "b"]], ids=["at once", "in a loop", "later"]
)
def test_a_token_that_comes_twice_fails_the_message_at_once(tokens: list[str]) -> None:
    service = Script(*(page(1, then=token) for token in tokens))

    with pytest.raises(
        RetryableError, match=f"^{SUBJECT}: the service gave the same NextToken twice, after {len(tokens)} pages"
    ) as failure:
        read_chain(service, list, MOST_ROWS, SUBJECT)
    assert not isinstance(failure.value, RestartError)


def test_any_other_failure_is_left_to_the_message() -> None:
    service = Script(page(1, then="a"), RetryableError("throttled"))

    with pytest.raises(RetryableError, match="throttled"):
        read_chain(service, list, MOST_ROWS, SUBJECT)
    assert service.asked == [None, "a"]


def test_a_page_without_a_token_ends_the_chain() -> None:
    service = Script(page())

    assert read_chain(service, list, MOST_ROWS, SUBJECT) == [page()]


def endless(rows: int) -> Iterator[Page[NodeRecord]]:
    """Yield pages with so many rows each, and with another token each."""
    found = page(*range(rows)).records
    return (Page(found, f"token {number}", 0) for number in count())


@pytest.mark.parametrize("rows", [0, 1, 50])
@pytest.mark.parametrize("most_rows", [1, 50, 200])
def test_a_chain_without_an_end_is_broken_and_given_up(rows: int, most_rows: int) -> None:
    service = Script(*islice(endless(rows), 1000))

    with pytest.raises(
        RestartError,
        match=f"^{SUBJECT}: the service has given {most_rows + EMPTY_PAGES} pages and a token for another one",
    ):
        read_chain(service, list, most_rows, SUBJECT)

    assert len(service.asked) == ATTEMPTS * (most_rows + EMPTY_PAGES)


def test_a_chain_may_have_a_page_for_each_row_and_a_hundred_empty_ones() -> None:
    pages = list(islice(endless(0), EMPTY_PAGES)) + [page(n, then=f"row {n}") for n in range(49)] + [page(49)]

    assert read_chain(Script(*pages), list, 50, SUBJECT) == pages
