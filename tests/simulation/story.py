"""The story of a schedule, step by step; it is written only on request."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from patchlake.adapters.memory import MemoryClock


@dataclass
class Story:
    """The steps so far, each with the time and the handler that it belongs to."""

    clock: MemoryClock
    _steps: list[tuple[datetime, str, str, tuple[object, ...]]] = field(default_factory=list)

    def tell(self, who: str, template: str, *values: object) -> None:
        """Add a step; ``template`` takes ``values`` by ``%``, which costs nothing unless the story is read."""
        self._steps.append((self.clock.at, who, template, values))

    def lines(self) -> Iterator[str]:
        """Yield the steps for people to read."""
        for at, who, template, values in self._steps:
            yield f"  {at:%d %H:%M:%S}  {who:<12} {template % values}"
