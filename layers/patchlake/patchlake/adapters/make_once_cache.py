"""A bounded cache of values that are costly to make: clients and sessions of the targets used last."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock


@dataclass(eq=False)
class _Slot[V]:
    """Room for one value."""

    values: list[V] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)


class MakeOnceCache[K, V]:
    """The most recently used values, at most ``most`` of them; safe to use from many threads.

    A value is made once, even if many threads want it, and threads that want other values do not wait.
    """

    def __init__(self, most: int, discard: Callable[[V], object] = lambda _: None) -> None:
        """Call ``discard`` with each value that is removed."""
        self._most = most
        self._discard = discard
        self._slots: OrderedDict[K, _Slot[V]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of a key, made now if it is not cached; a full cache removes its least recently used value.

        If ``make`` raises, the next caller tries again.
        """
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            oldest = self._slots.popitem(last=False)[1] if len(self._slots) > self._most else None
        if oldest is not None:
            self._empty(oldest)
        with slot.lock:
            if not slot.values:
                slot.values.append(make())
            return slot.values[0]

    def forget(self, key: K, value: V | None = None) -> None:
        """Remove the value of a key; with ``value``, only if it is still this one."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is None or (value is not None and value not in slot.values):
                return
            del self._slots[key]
        self._empty(slot)

    def _empty(self, slot: _Slot[V]) -> None:
        for value in slot.values:
            self._discard(value)
