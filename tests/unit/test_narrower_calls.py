"""A service that refuses a filter of several values is asked for one value at a time, in one chain of pages."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from patchlake.adapters.narrower_calls import NarrowerCalls
from patchlake.adapters.page_decoding import PageDecoder
from patchlake.core.paging import read_chain
from patchlake.core.records import Page
from patchlake.errors import RefusedError
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.patches import PATCHES, STATES
from tests.target_apis import plan_of

NODE = "i-0123456789abcdef0"
PLAN = plan_of("111122223333")
DECODER = PageDecoder(PATCHES.operation)
PATCHES_OF = {"Missing": ["a", "b", "c"], "Failed": ["d"], "InstalledRejected": ["e", "f"]}
EVERY_PATCH = sorted(title for titles in PATCHES_OF.values() for title in titles)


def titles_of(calls: NarrowerCalls, ask: Callable[[dict[str, Any], str | None], Page[Any]]) -> list[str]:
    """Return the titles of a whole chain of pages about the node."""
    pages: list[Page[Any]] = read_chain(
        lambda token: calls.page(PATCHES.operation, [NODE], PLAN, token, ask), list, 9, "a node"
    )
    return [record.title for page in pages for record in page.records]


class Service:
    """A service with some patches of one node, two a page, that refuses some filters."""

    def __init__(self, *, most_values: int = 5, refused_state: str | None = None, code: str = "InvalidFilter") -> None:
        self.most_values, self.refused_state, self.code = most_values, refused_state, code
        self.asked: list[tuple[tuple[str, ...], str | None]] = []
        self.calls = NarrowerCalls()

    def titles(self) -> list[str]:
        """Ask about the node, to the end of the chain."""
        return titles_of(self.calls, self.answer)

    def answer(self, request: dict[str, Any], token: str | None) -> Page[Any]:
        """Answer one page of one call."""
        (state_filter,) = request["Filters"]
        states = tuple(state_filter["Values"])
        self.asked.append((states, token))
        if len(states) > self.most_values or states == (self.refused_state,):
            raise RefusedError("NOT_LISTED", self.code, "refused")
        titles = [title for state in states for title in PATCHES_OF.get(state, [])]
        start = int(token or 0)
        rows = [
            {"Title": title, "KBId": "KB5034441", "Classification": "", "Severity": "", "State": "", "InstalledTime": 0}
            for title in titles[start : start + 2]
        ]
        following = str(start + 2) if start + 2 < len(titles) else None
        return DECODER.page(json.dumps({"Patches": rows, "NextToken": following}).encode(), 0)


def test_a_filter_that_is_accepted_is_one_chain() -> None:
    service = Service()

    assert sorted(service.titles()) == EVERY_PATCH
    assert service.asked == [(STATES, None), (STATES, "2"), (STATES, "4")]


def test_a_filter_that_is_refused_is_replaced_by_one_call_for_each_state() -> None:
    service = Service(most_values=1)

    assert sorted(service.titles()) == EVERY_PATCH
    assert service.asked == [
        (STATES, None),
        (("Missing",), None),
        (("Missing",), "2"),
        (("Failed",), None),
        (("InstalledPendingReboot",), None),
        (("InstalledRejected",), None),
        (("AvailableSecurityUpdate",), None),
    ]


def test_the_refusal_is_remembered_for_the_other_nodes_of_the_target() -> None:
    service = Service(most_values=1)
    service.titles()
    service.asked.clear()

    assert sorted(service.titles()) == EVERY_PATCH
    assert STATES not in {states for states, _ in service.asked}


def test_a_filter_that_is_refused_after_the_first_page_starts_the_chain_over() -> None:
    service = Service()

    def changing(request: dict[str, Any], token: str | None) -> Page[Any]:
        if token is not None:
            service.most_values = 1
        return service.answer(request, token)

    assert sorted(titles_of(service.calls, changing)) == EVERY_PATCH


def test_a_narrower_filter_that_is_refused_too_is_a_refusal_with_its_code() -> None:
    service = Service(most_values=1, refused_state="AvailableSecurityUpdate")

    with pytest.raises(RefusedError) as caught:
        service.titles()

    assert caught.value.code == "InvalidFilter"


def test_another_refusal_of_the_whole_filter_is_a_refusal() -> None:
    service = Service(most_values=1, code="AccessDeniedException")

    with pytest.raises(RefusedError):
        service.titles()

    assert service.asked == [(STATES, None)]


def test_an_operation_without_narrower_calls_keeps_the_tokens_of_the_service() -> None:
    tokens: list[str | None] = []

    def ask(_request: dict[str, Any], token: str | None) -> Page[Any]:
        tokens.append(token)
        return Page([], None if token else "7:x", 0)

    read_chain(lambda token: NarrowerCalls().page(PATCH_STATES.operation, [NODE], PLAN, token, ask), list, 9, "a node")

    assert tokens == [None, "7:x"]
