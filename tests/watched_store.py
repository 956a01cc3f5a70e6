"""A store in memory that announces every call, so that a test can let it fail or be overtaken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from patchlake.adapters.memory import MemoryStore
from patchlake.errors import RetryableError


@dataclass
class WatchedStore(MemoryStore):
    """Objects in a dictionary.

    Attributes:
        before: called with the name of each method and its key; raise from it to let the call fail.
    """

    before: Callable[[str, str], None] = lambda _call, _key: None

    def get(self, key: str) -> bytes | None:
        self.before("get", key)
        return super().get(key)

    def exists(self, key: str) -> bool:
        self.before("exists", key)
        return super().exists(key)

    def create(self, key: str, body: bytes | BinaryIO) -> bool:
        self.before("create", key)
        return super().create(key, body)

    def keys(self, prefix: str) -> Iterator[str]:
        self.before("keys", prefix)
        return super().keys(prefix)


def once(call: str, prefix: str, do: Callable[[], object], *, after: int = 0) -> Callable[[str, str], None]:
    """Return a ``before`` that does something before such a call with a key under ``prefix``: the first."""
    calls = 0

    def before(name: str, key: str) -> None:
        nonlocal calls
        if name == call and key.startswith(prefix):
            calls += 1
            if calls == after + 1:
                do()

    return before


def fail_once(call: str, prefix: str) -> Callable[[str, str], None]:
    """Return a ``before`` that lets the first such call with a key under ``prefix`` fail for now."""

    def fail() -> None:
        msg = f"{call} failed for now"
        raise RetryableError(msg)

    return once(call, prefix, fail)
