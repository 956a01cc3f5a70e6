"""Invariants and the events that they look at: each is a function whose docstring is its sentence."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.simulation.events import Event
from tests.simulation.world import World

type Check = Callable[[World, Any], Iterator[str]]

_CHECKS: dict[type[Event], list[tuple[str, str, Check]]] = {}


class Violation(AssertionError):  # noqa: N818  # the word of the field
    """An invariant does not hold.

    Attributes:
        invariant: its number.
    """

    def __init__(self, invariant: str, sentence: str, problem: str) -> None:
        super().__init__(f"{invariant} is broken: {problem}\n{invariant} says: {sentence}")
        self.invariant = invariant


def holds(number: str, *events: type[Event]) -> Callable[[Check], Check]:
    """Let a function hold an invariant at these events; it yields what is wrong."""

    def register(check: Check) -> Check:
        sentence = " ".join((check.__doc__ or "").split())
        for event in events:
            _CHECKS.setdefault(event, []).append((number, sentence, check))
        return check

    return register


def check(world: World, event: Event) -> None:
    """Hold every invariant at an event.

    Raises:
        Violation: one does not hold.
    """
    for number, sentence, problems in _CHECKS.get(type(event), ()):
        for problem in problems(world, event):
            raise Violation(number, sentence, problem)


def numbers() -> set[str]:
    """Return the number of every invariant."""
    return {number for checks in _CHECKS.values() for number, _, _ in checks}
