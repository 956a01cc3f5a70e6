"""The ports as a handler sees them: memory adapters, where at every call others may go first or something breaks."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache, partial
from typing import Any, BinaryIO, NoReturn

from msgspec.structs import replace

from patchlake.adapters.memory import MemoryApi, MemoryQueue
from patchlake.adapters.narrower_calls import NarrowerCalls
from patchlake.adapters.page_decoding import PageDecoder
from patchlake.core.call_counter import CallCounter
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import Account, Plan
from patchlake.core.records import InvalidRow, Page
from patchlake.core.run import milliseconds
from patchlake.core.targets import Target
from patchlake.errors import (
    FailedCallError,
    PatchlakeError,
    PermanentError,
    RefusedError,
    RestartError,
    RetryableError,
    ThrottledError,
)
from patchlake.ports import Delivery
from patchlake.sources.source import Operation
from tests.simulation import fleet, patch_service
from tests.simulation.checking import check
from tests.simulation.events import (
    Asked,
    AskedAgain,
    Continued,
    Deferred,
    Hastened,
    Hurried,
    Misread,
    Offered,
    Opened,
    Outlived,
    Read,
    Requested,
    Sent,
)
from tests.simulation.faults import BAD_ANSWERS, Fault
from tests.simulation.interleaving import Killed
from tests.simulation.patch_service import DESCRIBE_PATCHES, INVALID_FILTER, INVALID_ID, Said
from tests.simulation.secondary_oracle import DETAILS
from tests.simulation.world import Asking, Message, QueueName, Stage, World
from tests.world import HOME, node_id

_CRASHES = (Fault.CRASHED_BEFORE, Fault.CRASHED_AFTER)
_LOST_ANSWERS = (Fault.ANSWER_LOST, Fault.ANSWER_LOST_FOR_GOOD)
_LATE = (Fault.SLOW, Fault.TRICKLED)
_READ = (*_CRASHES, Fault.UNAVAILABLE, Fault.STORE_REFUSED_ONCE, *_LATE)
_CREATE = (*_CRASHES, *_LOST_ANSWERS, Fault.UNAVAILABLE, Fault.CONFLICT, Fault.STORE_REFUSED_ONCE, *_LATE)
_SEND = (*_CRASHES, *_LOST_ANSWERS, Fault.UNAVAILABLE, *_LATE)
_ASK_ROLE = (*_CRASHES, Fault.THROTTLED, Fault.REFUSED_ONCE, *_LATE)
ASSUME_ROLE = "AssumeRole"
_ASK_SSM = (
    *_CRASHES,
    Fault.THROTTLED,
    Fault.ABSORBED,
    Fault.INTERNAL_ERROR,
    Fault.INVALID_TOKEN,
    Fault.REFUSED_ONCE,
    *_LATE,
)
_LISTED = (Fault.LISTED_TWICE, Fault.BAD_VALUE, Fault.UNKNOWN_ID, Fault.NAMELESS_ROW)
_ANSWERED_WITH_NOTHING = (Fault.NOT_ASKED_FOR, Fault.NAMELESS_ROW)
_ANSWERED = (*_ANSWERED_WITH_NOTHING, Fault.ANSWERED_TWICE, Fault.BAD_VALUE, Fault.INVALID_ROW)

_PATCHES_ANSWERED = (Fault.ANSWERED_TWICE, Fault.BAD_VALUE, Fault.INVALID_ROW)

_NO_ANSWERS = (
    b"",
    b"{}",
    b'{"NextToken":"more"}',
    b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException","message":null},"Version":"1.0"}',
)
"""Bodies with status 200 that say nothing."""

_ERRORS: dict[Fault, Callable[[str], PatchlakeError]] = {
    Fault.INTERNAL_ERROR: partial(FailedCallError, "InternalServerError"),
    Fault.INVALID_TOKEN: RestartError,
    Fault.THROTTLED: ThrottledError,
    Fault.STORE_REFUSED_ONCE: PermanentError,
}
"""The error of a fault, if it is not a plain RetryableError."""

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


def _poison(error: FailedCallError | RefusedError, operation: str) -> FailedCallError | RefusedError:
    """Return the error of a node for the operation that is asked about it."""
    if isinstance(error, FailedCallError):
        return error
    return RefusedError(error.listing_status, error.code, str(error), operation)


@cache
def _decoder(operation: Operation) -> PageDecoder:
    return PageDecoder(operation)


LIST_NODES, GET_STATES = "DescribeInstanceInformation", "DescribeInstancePatchStates"
_LONGEST_CALL_SECONDS = 300
_GIVEN_UP_SECONDS = 3 * (5 + 15) + 1 + 2
_MOST_RETRIES, _LONGEST_BACKOFF_SECONDS = 3, 12
_ENDLESS = "endless "
_STRANGER = fleet.scanned(node_id(0xFFFFFF), 1_000_000)


@dataclass(frozen=True, slots=True)
class Calls:
    """The way of every call to a port.

    Attributes:
        pause: lets other handlers go first, if the schedule wants it.
        elapse: lets seconds go by for the acting handler.
    """

    world: World
    pause: Callable[[], None]
    elapse: Callable[[float], None]

    def make[T](
        self, call: str, act: Callable[[], T], faults: Sequence[Fault], refused: RefusedError | None = None
    ) -> T:
        """Make a call that one of ``faults`` may strike; the acting handler hears the time of its answer.

        Args:
            call: its name in the story.
            act: what it does.
            faults: what may strike it.
            refused: what it raises where it is refused.
        """
        try:
            answer = self._make(call, act, faults, refused)
        except PatchlakeError:
            self._answered(call)
            raise
        self._answered(call)
        return answer

    def _answered(self, call: str) -> None:
        """Let the acting handler hear the time of an answer, which may be days off.

        A refusal has the time as well; where there was no answer, it hears that of an attempt of the SDK.
        """
        world, by = self.world, self.world.acting
        at = world.clock.now() + by.skew
        if world.dice.strike(world.dice.call_rate, (Fault.DATE_JUMPED,)):
            # No two jumps of a handler agree.
            by.jumps += 1
            jump = timedelta(days=world.random.choice((-2, 2)), hours=by.jumps)
            world.story.tell(world.who, "%s: Date is %s off", call, jump)
            by.heard.hear(at + jump)
        else:
            by.dates.add(at)
            by.heard.hear(at)

    def now(self) -> datetime:
        """Return the time, by the answers that the acting handler has heard."""
        by = self.world.acting
        at = by.heard.now(lambda: self.make("GetCallerIdentity", lambda: HOME, _CRASHES))
        check(self.world, Read(at, by))
        return at

    def _make[T](self, call: str, act: Callable[[], T], faults: Sequence[Fault], refused: RefusedError | None) -> T:
        self.pause()
        if self.world.acting.over:
            check(self.world, Outlived(call, self.world.acting))
        dice = self.world.dice
        fault = dice.strike(dice.call_rate, faults)
        if fault is None:
            return act()
        self.world.story.tell(self.world.who, "%s: %s", call, fault)
        match fault:
            case Fault.CRASHED_BEFORE:
                raise Killed
            case Fault.CRASHED_AFTER:
                act()
                raise Killed
            case Fault.ANSWER_LOST:
                act()
            case Fault.SLOW:
                self.elapse(self.world.random.random() * _LONGEST_CALL_SECONDS)
            case Fault.ABSORBED:
                self.absorb()
            case _:
                self._give_up(act, fault, refused)
        return act()

    def _give_up(self, act: Callable[[], object], fault: Fault, refused: RefusedError | None) -> NoReturn:
        match fault:
            case Fault.ANSWER_LOST_FOR_GOOD:
                act()
            case Fault.TRICKLED:
                self.elapse(_GIVEN_UP_SECONDS)
            case Fault.REFUSED_ONCE if refused is not None:
                self.fail(refused)
            case _:
                pass
        raise _ERRORS.get(fault, RetryableError)(fault)

    def fail(self, error: RetryableError | RefusedError) -> NoReturn:
        """Let a call fail, and remember a refusal as the reason that a handler may record.

        Raises:
            RetryableError: the error.
            RefusedError: the same, as a refusal.
        """
        by = self.world.acting
        if isinstance(error, RefusedError):
            if error.listing_status != "NOT_LISTED":
                by.denied = set()
            by.refused[by.asked_again].append(error)
            if by.final_refusal is not None:
                self.world.excuse(by)
                by.process.learn(by)
        raise error

    def absorb(self) -> None:
        """Let the SDK repeat a call that is throttled."""
        retries = self.world.random.randint(1, _MOST_RETRIES)
        self.world.apis.call_counter.add(throttles=retries, retries=retries)
        self.world.acting.absorbed += retries
        self.elapse(self.world.random.random() * _LONGEST_BACKOFF_SECONDS)


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
class SimulatedSource:
    """``TargetApi``: it keeps what it answered as evidence, and its answers may break SSM's own rules."""

    calls: Calls
    target: Target
    memory: MemoryApi
    plan: Plan
    narrower_calls: NarrowerCalls = field(default_factory=NarrowerCalls)

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Any]:
        """Ask for one page of a listing, or about these nodes; now and then the chain never ends."""
        world, by = self.calls.world, self.calls.world.acting
        if token is not None and token.startswith(_ENDLESS):
            return self._endless(operation.name, ids, int(token.removeprefix(_ENDLESS)))
        page = self._detail_page(operation, ids, token) if operation.ids_per_call else self._listed(operation, token)
        if world.dice.strike(world.dice.call_rate / 8, (Fault.ENDLESS,)):
            world.story.tell(world.who, "AWS answers: %s", Fault.ENDLESS)
            page = dataclasses.replace(page, next_token=f"{_ENDLESS}1")
            if not (ids and by.is_aside):
                evidence = by.answers[tuple(ids)] if ids else by.listing
                evidence[-1] = page
                if said := by.said.get(tuple(ids)):
                    said[-1] = said[-1]._replace(next_token=_ENDLESS)
        return page

    def _endless(self, operation: str, ids: Sequence[str], number: int) -> Page[Any]:
        """Return a page of a chain without an end: the first one again, or an empty one."""
        by = self.calls.world.acting
        check(self.calls.world, Continued(number, by))
        if ids:
            self._note(operation, ids, "BrokenChain")
        first = (by.answers[tuple(ids)] if ids else by.listing)[0]
        return dataclasses.replace(
            first, records=first.records if number % 2 else [], invalid=[], next_token=f"{_ENDLESS}{number + 1}"
        )

    def _listed(self, operation: Operation, token: str | None) -> Page[Any]:
        world = self.calls.world
        by, counter = world.acting, world.apis.call_counter
        check(world, Hastened(by))
        if token is None:
            by.listing.clear()
            by.listing_seconds = 0
        retries = counter.retries
        page = self._ask(operation, (), partial(self._call, operation, (), token))
        if page.records and (fault := self._strikes(operation.name, _LISTED)) is not None:
            page = self._mislisted(page, fault)
        by.listing.append(page)
        if seconds := world.scenario.row_seconds * (len(page.records) + len(page.invalid)):
            self.calls.elapse(seconds)
            by.listing_seconds += seconds if counter.retries == retries else 0
        return page

    def _mislisted(self, page: Page[Any], fault: Fault) -> Page[Any]:
        """Break a page of a listing."""
        by = self.calls.world.acting
        records, invalid = list(page.records), []
        names_nodes = hasattr(records[0], "instance_id")
        match fault:
            case Fault.LISTED_TWICE:
                again = (by.listing[0].records if by.listing else page.records)[:1]
                records += [replace(record, ping_status="another") for record in again] if names_nodes else again
            case Fault.BAD_VALUE if names_nodes:
                bad = replace(records.pop(), ping_status=None)
                invalid = [InvalidRow(bad.instance_id, "PingStatus: broken on purpose", bad)]
            case Fault.UNKNOWN_ID if names_nodes:
                bad = records.pop()
                strange = f"eks_c:{bad.instance_id}"
                invalid = [InvalidRow(strange, "broken on purpose", replace(bad, instance_id=strange))]
            case _:
                invalid = [InvalidRow(None, "broken on purpose")]
        return Page(records, invalid, page.next_token, page.answered_at_ms)

    def _detail_page(self, operation: Operation, instance_ids: Sequence[str], token: str | None) -> Page[Any]:
        world, asked = self.calls.world, tuple(instance_ids)
        by = world.acting
        by.calls_since_look += 1
        check(world, Hastened(by, by.time_left(world.clock.at)))
        check(world, Asked(operation.name, self.target, asked, by))
        by.must_yield = False
        if token is None:
            pages = by.answers.get(asked, [])
            by.is_aside = bool(pages) and pages[-1].next_token is None
            if not by.is_aside:
                by.answers[asked] = []
                by.said[asked] = []
        if operation.name == DESCRIBE_PATCHES:
            page = self.narrower_calls.page(
                operation, asked, self.plan, token, partial(self._patches, operation, asked)
            )
            if not by.is_aside:
                by.answers[asked].append(page)
            return page
        page = self._ask(operation, asked, partial(self._call, operation, asked, token))
        fault = self._strikes(operation.name, self._faults_of(operation, page))
        page = page if fault is None else self._misanswered(page, fault)
        if not by.is_aside:
            by.answers[asked].append(page)
        return page

    def _patches(
        self, operation: Operation, ids: tuple[str, ...], request: dict[str, Any], token: str | None
    ) -> Page[Any]:
        """Return a page of a node's patches as the production decoder reads it."""
        world = self.calls.world
        by = world.acting
        check(world, Requested(ids, request, operation.page_size, by))
        states = patch_service.states_of(request)
        said: list[Said] = []

        def answer() -> Page[Any]:
            rows, next_token = self._patch_rows(ids, request, token)
            said[:] = [Said(states, rows, next_token, 0)]
            return _decoder(operation).page(json.dumps({"Patches": rows, "NextToken": next_token}).encode(), 0)

        page = self._ask(operation, ids, answer)
        if not by.is_aside:
            by.said[ids] += [each._replace(at_ms=page.answered_at_ms) for each in said]
        return page

    def _patch_rows(
        self, ids: tuple[str, ...], request: dict[str, Any], token: str | None
    ) -> tuple[list[Any], str | None]:
        world = self.calls.world
        world.acting.calls += 1
        world.apis.call_counter.add(calls=1)
        is_known = ids[0] in self.memory.nodes
        refuses_filter = self.target in world.refuses_filters
        try:
            rows, next_token = patch_service.page(
                world.patches.get(ids[0], patch_service.NO_SCAN) if is_known else None,
                request,
                token,
                self.memory.page_size,
                refuses_filter=refuses_filter,
            )
        except RefusedError as error:
            self._patches_refused(error)
        fault = self._strikes(DESCRIBE_PATCHES, _PATCHES_ANSWERED) if rows else None
        return (rows if fault is None else patch_service.damaged(rows, fault, world.random)), next_token

    def _patches_refused(self, error: RefusedError) -> NoReturn:
        world = self.calls.world
        by = world.acting
        if error.code == INVALID_FILTER:
            # The whole filter: the narrower ones are accepted, so it is no refusal of the target.
            world.dice.note(Fault.FILTER_REFUSED)
            by.is_filter_refused = True
            raise error
        world.dice.note(Fault.NODE_UNKNOWN)
        self.calls.fail(error)

    @staticmethod
    def _faults_of(operation: Operation, page: Page[Any]) -> Sequence[Fault]:
        if operation.name != GET_STATES:
            return (Fault.INVALID_ROW,)
        return _ANSWERED if page.records else _ANSWERED_WITH_NOTHING

    def _call(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Any]:
        self.calls.world.acting.calls += 1
        return self.memory.page(operation, ids, token)

    def _ask(self, operation: Operation, ids: Sequence[str], call: Callable[[], Page[Any]]) -> Page[Any]:
        world = self.calls.world
        by = world.acting
        if by.throttled:
            check(world, Hurried(by))
        trouble = world.trouble(self.target, operation.name)

        def answer() -> Page[Any]:
            if trouble is not None:
                self.calls.fail(trouble)
            poisoned = [world.poisoned[instance_id] for instance_id in ids if instance_id in world.poisoned]
            if poisoned and world.dice.rolling:
                self.calls.fail(_poison(poisoned[0], operation.name))
            if self._strikes(operation.name, (Fault.BROKEN_BODY,)) is not None:
                return self._misread(operation)
            return call()

        denied = RefusedError("ACCESS_DENIED", "AccessDeniedException", Fault.REFUSED_ONCE, operation.name)
        try:
            page = self.calls.make(operation.name, answer, _ASK_SSM, denied)
        except ThrottledError:
            by.throttled, by.must_yield = True, by.source in DETAILS
            raise
        except (FailedCallError, RestartError, RefusedError) as error:
            self._note(operation.name, ids, "BrokenChain" if error.code == INVALID_FILTER else error.code)
            raise
        self._note(operation.name, ids, None)
        return dataclasses.replace(page, answered_at_ms=milliseconds(self.calls.now()))

    def _note(self, operation: str, ids: Sequence[str], code: str | None) -> None:
        world, asked = self.calls.world, tuple(ids)
        by = world.acting
        at = world.clock.at.timestamp() + by.lost_seconds
        if code is not None and len(asked) == 1:
            failed_at = [ask.at for ask in by.asks if ask.code and ask[:2] == (operation, asked)]
            if failed_at and at - failed_at[0] >= world.scenario.retry_seconds:
                world.blank(by)
        if code == INVALID_ID:
            world.blank(by)
        by.asks.append(Asking(operation, asked, at, code))

    def _misread(self, operation: Operation) -> Page[Any]:
        """Let the decoder of the stages read a body that is no answer."""
        world = self.calls.world
        world.acting.calls += 1
        world.apis.call_counter.add(calls=1)
        body = world.random.choice(_NO_ANSWERS)
        page = _decoder(operation).page(body, 0)
        check(world, Misread(body, world.acting))
        return page

    def _strikes(self, operation: str, faults: Sequence[Fault]) -> Fault | None:
        world = self.calls.world
        if world.is_healthy(operation):
            faults = [fault for fault in faults if fault not in BAD_ANSWERS]
        fault = world.dice.strike(world.dice.call_rate, faults)
        if fault is not None:
            world.story.tell(world.who, "AWS answers: %s", fault)
        return fault

    def _misanswered(self, page: Page[Any], fault: Fault) -> Page[Any]:
        records, invalid = list(page.records), []
        match fault:
            case Fault.NOT_ASKED_FOR:
                records.append(_STRANGER)
            case Fault.NAMELESS_ROW:
                invalid.append(InvalidRow(None, "broken on purpose"))
            case Fault.ANSWERED_TWICE:
                records.append(replace(records[0], patch_group="another"))
            case Fault.BAD_VALUE:
                bad = replace(records.pop(), missing_count=None)
                invalid.append(InvalidRow(bad.instance_id, "MissingCount: broken on purpose", bad))
            case Fault.INVALID_ROW:
                bad = records.pop() if records else None
                invalid.append(InvalidRow(getattr(bad, "instance_id", None), "broken on purpose"))
            case _:
                pass
        return Page(records, invalid, page.next_token, page.answered_at_ms)


@dataclass(frozen=True, slots=True)
class SimulatedSources:
    """``TargetApis``."""

    calls: Calls

    @property
    def call_counter(self) -> CallCounter:
        """The calls to SSM so far."""
        return self.calls.world.apis.call_counter

    def open(self, plan: Plan, target: Target, *, fresh_session: bool = False) -> SimulatedSource:
        """Return a target's API, through its role."""
        world = self.calls.world
        by = world.acting
        check(world, Opened(target, plan.home_account_id, by))
        if by.throttled:
            check(world, Hurried(by))
        by.is_filter_refused, by.denied = False, None
        if fresh_session and not by.asked_again:
            check(world, AskedAgain(by))
            by.asked_again = True
            by.answers.clear()
            by.said.clear()
            by.asked_from = len(by.asks)
        trouble = world.trouble(target, ASSUME_ROLE)
        if isinstance(trouble, RefusedError) and trouble.operation == ASSUME_ROLE:
            self.calls.fail(trouble)
        source = SimulatedSource(self.calls, target, world.apis.of(target), plan)
        if target.account_id == plan.home_account_id:
            return source
        denied = RefusedError("ROLE_NOT_ASSUMABLE", "AccessDenied", Fault.REFUSED_ONCE, ASSUME_ROLE)
        try:
            return self.calls.make(ASSUME_ROLE, lambda: source, _ASK_ROLE, denied)
        except ThrottledError:
            by.throttled = True
            raise


@dataclass(frozen=True, slots=True)
class SimulatedAccounts:
    """``Accounts``."""

    calls: Calls

    def home_account_id(self) -> str:
        """Return the home account."""
        return self.calls.make("GetCallerIdentity", lambda: HOME, (*_CRASHES, Fault.THROTTLED))

    def organization_accounts(self) -> Sequence[Account]:
        """Return the accounts as they are now, which may not be what they were a moment ago."""
        if self.calls.world.dice.strike(0.3, (Fault.ACCOUNTS_CHANGED,)):
            self.calls.world.change_accounts()
        return self.calls.make("ListAccounts", self._list, (*_CRASHES, Fault.THROTTLED))

    def _list(self) -> Sequence[Account]:
        world = self.calls.world
        is_empty = world.dice.strike(world.dice.call_rate, (Fault.NO_ACCOUNTS,)) is not None
        world.acting.accounts = () if is_empty else world.accounts
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
