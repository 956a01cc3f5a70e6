"""The ports of our own stack as a handler sees them: memory adapters, in which every call may break."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import BinaryIO

from patchlake.adapters.memory import MemoryQueue
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import Account
from patchlake.errors import PermanentError, RetryableError
from patchlake.ports import Delivery
from tests.simulation.calls import CRASHES, LATE, Calls
from tests.simulation.checking import check
from tests.simulation.events import Deferred, Offered, Sent
from tests.simulation.faults import Fault
from tests.simulation.invocations import Message, QueueName, Stage
from tests.world import HOME

_LOST_ANSWERS = (Fault.ANSWER_LOST, Fault.ANSWER_LOST_FOR_GOOD)
_READ = (*CRASHES, Fault.UNAVAILABLE, Fault.STORE_REFUSED_ONCE, *LATE)
_CREATE = (*CRASHES, *_LOST_ANSWERS, Fault.UNAVAILABLE, Fault.CONFLICT, Fault.STORE_REFUSED_ONCE, *LATE)
_SEND = (*CRASHES, *_LOST_ANSWERS, Fault.UNAVAILABLE, *LATE)

STAGES: dict[QueueName, Stage] = {
    "discover": "discover",
    "listing": "discover",
    "collect": "collect",
    "detail": "collect",
    "commit": "commit",
}
"""The stage that each queue is for."""

_MESSAGES: dict[Stage, type[Message]] = {
    "discover": DiscoverMessage,
    "collect": CollectMessage,
    "commit": CommitMessage,
}
"""The type of each queue's messages."""


@lru_cache(4096)
def decoded(queue: QueueName, body: str) -> Message:
    """Return the message of a body; the same one comes many times."""
    return _MESSAGES[STAGES[queue]].decode(body)


@dataclass(frozen=True, slots=True)
class SimulatedStore:
    """``Store``: pages of a listing are calls of their own."""

    calls: Calls

    def get(self, key: str) -> bytes | None:
        """Return the object's bytes."""
        return self._make("get", f"get {key}", lambda: self.calls.world.store.get(key), _READ)

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        if "/details/" in key:
            self.calls.world.acting.calls_since_look = 0
        return self._make("exists", f"exists {key}", lambda: self.calls.world.store.exists(key), _READ)

    def create(self, key: str, body: bytes | BinaryIO) -> bool:
        """Create the object."""
        content = body if isinstance(body, bytes) else body.read()
        return self._make("create", f"create {key}", lambda: self._create(key, content), _CREATE)

    def keys(self, prefix: str) -> Iterator[str]:
        """List the keys, a page at a time."""
        after, size = "", self.calls.world.scenario.store_page_size
        while True:
            page = self._make("keys", f"list {prefix}", partial(self._keys, prefix, after, size), _READ)
            yield from page
            if len(page) < size:
                return
            after = page[-1]

    def _make[T](self, operation: str, call: str, act: Callable[[], T], faults: Sequence[Fault]) -> T:
        def act_unless_refused() -> T:
            if self.calls.world.store_refuses(operation):
                self.calls.world.story.tell(self.calls.world.who, "%s is refused", call)
                raise PermanentError(Fault.STORE_REFUSED_FOR_A_WHILE)
            return act()

        return self.calls.make(call, act_unless_refused, faults)

    def _keys(self, prefix: str, after: str, size: int) -> list[str]:
        return [key for key in self.calls.world.store.keys(prefix) if key > after][:size]

    def _create(self, key: str, body: bytes) -> bool:
        world = self.calls.world
        check(world, Offered(key, body, world.acting))
        created = world.store.create(key, body)
        world.story.tell(world.who, "%s %s", "created" if created else "found", key)
        return created


@dataclass(frozen=True, slots=True)
class SimulatedQueue:
    """``Queue``."""

    calls: Calls
    name: QueueName

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        """Send every message, or some of them and fail."""
        pairs = list(messages)
        if not pairs:
            return
        world = self.calls.world
        if world.dice.strike(world.dice.call_rate, (Fault.SENT_IN_PART,)):
            self._send(pairs[: world.random.randrange(len(pairs))])
            raise RetryableError(Fault.SENT_IN_PART)
        self.calls.make(f"send to {self.name}", lambda: self._send(pairs), _SEND)

    def defer(self, delivery: Delivery, seconds: int) -> None:
        """Make a received message visible again after ``seconds``."""
        check(self.calls.world, Deferred(self.name, self.calls.world.acting))
        self.calls.make("defer", lambda: self._queue.defer(delivery, seconds), _SEND)

    def dead_letter(self, delivery: Delivery) -> None:
        """Put a copy of a received message among the dead letters."""
        self.calls.make("dead letter", lambda: self._queue.dead_letter(delivery), _SEND)

    @property
    def _queue(self) -> MemoryQueue:
        return self.calls.world.queues[self.name]

    def _send(self, pairs: list[tuple[str, str]]) -> None:
        world = self.calls.world
        for body, _group in pairs:
            message = decoded(self.name, body)
            world.acting.sent.append(message)
            if self.name == "commit":
                world.watch(message.run_id)
            check(world, Sent(self.name, message, world.acting, body))
            world.sent.append((self.name, body))
        self._queue.send(pairs)
        world.story.tell(world.who, "sent %d to %s", len(pairs), self.name)


@dataclass(frozen=True, slots=True)
class SimulatedAccounts:
    """``Accounts``."""

    calls: Calls

    def home_account_id(self) -> str:
        """Return the home account."""
        return self.calls.make("GetCallerIdentity", lambda: HOME, (*CRASHES, Fault.THROTTLED))

    def enabled_regions(self) -> Sequence[str]:
        """Fail: the regions of a scenario are a list."""
        raise AssertionError("a plan asks for regions though they are given")

    def unit_accounts(self, unit_ids: Iterable[str]) -> Sequence[Account]:
        """Fail: a scenario covers the whole organization."""
        raise AssertionError(f"a plan asks for the units {[*unit_ids]} though none is given")

    def organization_accounts(self) -> Sequence[Account]:
        """Return the accounts as they are now, which may not be what they were a moment ago."""
        if self.calls.world.dice.strike(0.3, (Fault.ACCOUNTS_CHANGED,)):
            self.calls.world.change_accounts()
        return self.calls.make("ListAccounts", self._list, (*CRASHES, Fault.THROTTLED))

    def _list(self) -> Sequence[Account]:
        world = self.calls.world
        match world.dice.strike(world.dice.call_rate, (Fault.NO_ACCOUNTS, Fault.OWN_ACCOUNT_LEFT_OUT)):
            case Fault.NO_ACCOUNTS:
                world.acting.accounts = ()
            case Fault.OWN_ACCOUNT_LEFT_OUT:
                world.acting.accounts = [account for account in world.accounts if account.account_id != HOME]
            case _:
                world.acting.accounts = world.accounts
        return world.acting.accounts


@dataclass(frozen=True, slots=True)
class SimulatedClock:
    """``Clock``: each handler's own, which may be fast or slow; it has heard no other handler's answers."""

    calls: Calls

    def begin(self) -> None:
        """Begin an invocation."""

    def now(self) -> datetime:
        """Return what the acting handler's clock shows."""
        at = self.calls.now()
        self.calls.world.acting.readings.append(at)
        return at
