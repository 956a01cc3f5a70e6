"""A bucket whose changes are reported."""

from collections.abc import Callable


class Objects(dict[str, bytes]):
    """A bucket's objects; each change is reported, with the object before it."""

    def __init__(self, changed: Callable[[str, bytes | None], None]) -> None:
        super().__init__()
        self._changed = changed

    def __setitem__(self, key: str, body: bytes) -> None:
        before = self.get(key)
        super().__setitem__(key, body)
        self._changed(key, before)

    def __delitem__(self, key: str) -> None:
        before = self[key]
        super().__delitem__(key)
        self._changed(key, before)

    def spoil(self, key: str, body: bytes | None) -> None:
        """Replace or delete an object without reporting the change."""
        if body is None:
            super().__delitem__(key)
        else:
            super().__setitem__(key, body)

    def expire(self, prefix: str) -> None:
        """Let a lifecycle rule remove objects."""
        for key in [key for key in self if key.startswith(prefix)]:
            super().__delitem__(key)
