"""The EC2 instances that the embedded AWS answers from: made for a target and a day when they are first asked for."""

from threading import Lock
from typing import Final

from patchlake.core.targets import Target
from patchlake_cli.embedded.aws.state import State
from patchlake_cli.embedded.fleet.dice import Dice
from patchlake_cli.embedded.fleet.instances import Instance, instances_of

_ORDERS: Final = 1 << 64


class Ec2Fleet:
    """The instances of each target on the current day, for many threads.

    Args:
        state: of the embedded AWS.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._instances: dict[tuple[Target, int], list[Instance]] = {}
        self._lock = Lock()

    def of(self, target: Target) -> list[Instance]:
        """Return a target's instances, in the order of answers."""
        day = self._state.day
        with self._lock:
            if (target, day) not in self._instances:
                self._instances = {key: found for key, found in self._instances.items() if key[1] == day}
                self._instances[target, day] = self._made(target, day)
            return self._instances[target, day]

    def _made(self, target: Target, day: int) -> list[Instance]:
        seed, fleet = self._state.settings.seed, self._state.fleet
        found = instances_of(seed, target, fleet.nodes(target, day), fleet.run_at(day))
        return sorted(found, key=lambda instance: Dice(seed, "order", day, instance.instance_id).below(_ORDERS))
