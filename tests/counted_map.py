"""``ParallelMap`` that remembers how many items it was given at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass
class CountedMap:
    """One item after the other; ``at_once`` has the size of each group of them."""

    at_once: list[int] = field(default_factory=list)

    def __call__[A, B](self, function: Callable[[A], B], items: Iterable[A], /) -> list[B]:
        """Apply ``function`` to every item."""
        group = list(items)
        self.at_once.append(len(group))
        return [function(item) for item in group]
