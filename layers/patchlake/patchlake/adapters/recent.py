"""A bounded memory of what is costly to make: clients and sessions of the targets that were last asked."""

from collections import OrderedDict
from collections.abc import Callable


class Recent[K, V]:
    """The values that were used last, at most ``most`` of them; not safe for threads by itself."""

    def __init__(self, most: int, discard: Callable[[V], object] = lambda _: None) -> None:
        """``discard`` is called with each value that is forgotten."""
        self._most = most
        self._discard = discard
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of a key, made now where it is not remembered; the one unused for longest makes room."""
        if key not in self._values:
            self._values[key] = make()
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._discard(self._values.popitem(last=False)[1])
        return self._values[key]

    def peek(self, key: K) -> V | None:
        """Return the value of a key where it is remembered; this is no use of it."""
        return self._values.get(key)

    def forget(self, key: K) -> None:
        """Forget the value of a key, if there is one."""
        if key in self._values:
            self._discard(self._values.pop(key))
