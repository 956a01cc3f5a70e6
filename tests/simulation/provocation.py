"""Worlds that provoke a mistake: a schedule of any seed is changed so that it gives an occasion for it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from tests.simulation.faults import BROKEN_API, SABOTAGE, Dice, Fault
from tests.simulation.scenario import Scenario
from tests.simulation.world import World


def _as_drawn(scenario: Scenario) -> Scenario:
    return scenario


def _as_set_up(_world: World) -> None:
    """Leave a world as it is."""


@dataclass(frozen=True, slots=True)
class Provocation:
    """The gift to a schedule, whatever its seed; everything else is drawn. ``a & b`` gives ``a``, then ``b``.

    Attributes:
        shape: changes the scenario.
        faults: those that may strike in any case; ``only`` says that no others may.
        call_rate: how often a call is struck, where that is not drawn.
        world_rate: how often the world around is struck, where that is not drawn.
        pause_rate: how often a handler pauses, where that is not drawn.
        prepare: changes the world before anything happens.
    """

    shape: Callable[[Scenario], Scenario] = _as_drawn
    faults: frozenset[Fault] = frozenset()
    only: bool = False
    call_rate: float | None = None
    world_rate: float | None = None
    pause_rate: float | None = None
    prepare: Callable[[World], None] = _as_set_up

    def __and__(self, other: "Provocation") -> "Provocation":
        """Return a provocation that gives what both give; of two rates, the other's."""

        def prepare(world: World) -> None:
            self.prepare(world)
            other.prepare(world)

        return Provocation(
            lambda scenario: other.shape(self.shape(scenario)),
            self.faults | other.faults,
            self.only or other.only,
            self.call_rate if other.call_rate is None else other.call_rate,
            self.world_rate if other.world_rate is None else other.world_rate,
            self.pause_rate if other.pause_rate is None else other.pause_rate,
            prepare,
        )

    def load(self, dice: Dice) -> None:
        """Let the faults strike, as often as that."""
        if self.only:
            dice.enabled = frozenset()
        dice.enable(self.faults)
        dice.call_rate = dice.call_rate if self.call_rate is None else self.call_rate
        dice.world_rate = dice.world_rate if self.world_rate is None else self.world_rate
        dice.pause_rate = dice.pause_rate if self.pause_rate is None else self.pause_rate


ANY = Provocation()
CALM = Provocation(only=True)
"""Nothing breaks but what another provocation breaks."""


def having(**settings: Any) -> Provocation:  # noqa: ANN401
    """Return a provocation by some settings of the scenario."""
    return Provocation(lambda scenario: replace(scenario, **settings))


def struck_by(*faults: Fault) -> Provocation:
    """Return a provocation in which these faults often strike, for an hour at least, and no others."""
    often = Provocation(_for_an_hour, frozenset(faults), only=True, call_rate=0.2, world_rate=0.3)
    return _unhealthy_if(faults) & often


def _for_an_hour(scenario: Scenario) -> Scenario:
    return replace(scenario, quiet_after_seconds=max(scenario.quiet_after_seconds, 3600))


def _unhealthy_if(faults: Iterable[Fault]) -> Provocation:
    settings: dict[str, bool] = {}
    if {*SABOTAGE}.intersection(faults):
        settings["sabotage"] = True
    if {*BROKEN_API}.intersection(faults):
        settings["healthy"] = False
    return having(**settings)
