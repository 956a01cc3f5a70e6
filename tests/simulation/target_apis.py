"""The APIs of a target as a handler sees them: SSM's rows from memory, the patches and EC2 as their services answer.

What a handler was told is kept as the evidence for what it writes.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NoReturn

from msgspec.structs import replace

from patchlake.adapters.memory import MemoryApi
from patchlake.adapters.narrower_calls import NarrowerCalls
from patchlake.adapters.page_decoding import PageDecoder
from patchlake.adapters.raw_answers import Decoder
from patchlake.adapters.xml_page_decoding import XmlPageDecoder
from patchlake.core.call_counter import CallCounter
from patchlake.core.plan import Plan
from patchlake.core.records import InvalidRow, Page
from patchlake.core.run import milliseconds
from patchlake.core.targets import Target
from patchlake.errors import FailedCallError, RefusedError, RestartError, ThrottledError
from patchlake.sources.nodes import NODES
from patchlake.sources.source import Operation
from tests.ec2_answers import answer_shape
from tests.simulation import ec2_service, fleet, patch_service
from tests.simulation.calls import CRASHES, LATE, Calls
from tests.simulation.checking import check
from tests.simulation.events import Asked, AskedAgain, Continued, Hastened, Hurried, Misread, Opened, Requested
from tests.simulation.faults import BAD_ANSWERS, Fault
from tests.simulation.invocations import Asking
from tests.simulation.patch_service import DESCRIBE_PATCHES, INVALID_FILTER, INVALID_ID, Said
from tests.simulation.secondary_oracle import DETAILS
from tests.world import node_id

LIST_NODES, GET_STATES = "DescribeInstanceInformation", "DescribeInstancePatchStates"
ASSUME_ROLE = "AssumeRole"
_ASK_ROLE = (*CRASHES, Fault.THROTTLED, Fault.REFUSED_ONCE, *LATE)
_ASK = (
    *CRASHES,
    Fault.THROTTLED,
    Fault.ABSORBED,
    Fault.INTERNAL_ERROR,
    Fault.INVALID_TOKEN,
    Fault.REFUSED_ONCE,
    *LATE,
)
_LISTED = (Fault.LISTED_TWICE, Fault.BAD_VALUE, Fault.UNKNOWN_ID, Fault.NAMELESS_ROW)
_EC2_LISTED = {
    ec2_service.DESCRIBE_INSTANCES: _LISTED,
    ec2_service.DESCRIBE_TAGS: (*_LISTED, Fault.NOT_ASKED_FOR),
}
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

_ENDLESS = "endless "
_STRANGER = fleet.scanned(node_id(0xFFFFFF), 1_000_000)


@cache
def _decoder(operation: Operation) -> Decoder:
    """Return the production decoder of an operation's answers."""
    if operation.service == "ec2":
        return XmlPageDecoder(operation, answer_shape(operation.name))
    return PageDecoder(operation)


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
        rows = first.records if number % 2 else []
        return dataclasses.replace(first, rows=rows, next_token=f"{_ENDLESS}{number + 1}")

    def _listed(self, operation: Operation, token: str | None) -> Page[Any]:
        world = self.calls.world
        by, counter = world.acting, world.apis.call_counter
        check(world, Hastened(by))
        if token is None:
            by.listing.clear()
            by.ec2_rows.clear()
            by.listing_seconds = 0
        retries = counter.retries
        if operation.service == "ec2":
            page = self.narrower_calls.page(operation, (), self.plan, token, partial(self._instances, operation))
        else:
            page = self._ask(operation, (), partial(self._call, operation, (), token))
            if page.records and (fault := self._strikes(operation.name, _LISTED)) is not None:
                page = self._mislisted(page, fault)
        by.listing.append(page)
        rows = len(page.records) + len(page.invalid)
        if seconds := world.scenario.row_seconds * rows * NODES.operation.page_size / operation.page_size:
            self.calls.elapse(seconds)
            by.listing_seconds += seconds if counter.retries == retries else 0
        return page

    def _instances(self, operation: Operation, request: dict[str, Any], token: str | None) -> Page[Any]:
        """Return a page of instances or tags as the production decoder reads it."""
        world = self.calls.world
        by = world.acting
        check(world, Requested(operation.name, (), request, operation.page_size, by))
        found: list[ec2_service.Row] = []

        def answer() -> Page[Any]:
            self._count()
            rows, next_token = ec2_service.page(
                world.instances[self.target], operation.name, request, token, self.memory.page_size
            )
            fault = self._strikes(operation.name, _EC2_LISTED[operation.name]) if rows else None
            if fault is not None:
                rows = ec2_service.damaged(operation.name, rows, (by.ec2_rows or rows)[0], fault, world.random)
            found[:] = rows
            return _decoder(operation).page(ec2_service.body(operation.name, rows, next_token), 0)

        page = self._ask(operation, (), answer)
        by.ec2_rows += found
        return page

    def _mislisted(self, page: Page[Any], fault: Fault) -> Page[Any]:
        """Break a page of a listing."""
        by = self.calls.world.acting
        rows: list[Any] = list(page.rows)
        names_nodes = hasattr(rows[0], "instance_id")
        match fault:
            case Fault.LISTED_TWICE:
                again = (by.listing[0].records if by.listing else page.records)[:1]
                rows += [replace(record, ping_status="another") for record in again] if names_nodes else again
            case Fault.BAD_VALUE if names_nodes:
                bad = replace(rows.pop(), ping_status=None)
                rows.append(InvalidRow(bad.instance_id, "PingStatus: broken on purpose", bad))
            case Fault.UNKNOWN_ID if names_nodes:
                bad = rows.pop()
                strange = f"eks_c:{bad.instance_id}"
                rows.append(InvalidRow(strange, "broken on purpose", replace(bad, instance_id=strange)))
            case _:
                rows.append(InvalidRow(None, "broken on purpose"))
        return Page(rows, page.next_token, page.answered_at_ms)

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
        check(world, Requested(operation.name, ids, request, operation.page_size, by))
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
        self._count()
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
            if (error := world.poison(ids, operation.name)) is not None:
                self.calls.fail(error)
            if self._strikes(operation.name, (Fault.BROKEN_BODY,)) is not None:
                return self._misread(operation)
            return call()

        denied = RefusedError("ACCESS_DENIED", "AccessDeniedException", Fault.REFUSED_ONCE, operation.name)
        try:
            page = self.calls.make(operation.name, answer, _ASK, denied)
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

    def _count(self) -> None:
        """Count a call that reaches a service without the memory adapter."""
        self.calls.world.acting.calls += 1
        self.calls.world.apis.call_counter.add(calls=1)

    def _misread(self, operation: Operation) -> Page[Any]:
        """Let the decoder of the stages read a body that is no answer."""
        world = self.calls.world
        self._count()
        bodies = ec2_service.no_answers(operation.name) if operation.service == "ec2" else _NO_ANSWERS
        body = world.random.choice(bodies)
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
        rows: list[Any] = list(page.rows)
        match fault:
            case Fault.NOT_ASKED_FOR:
                rows.append(_STRANGER)
            case Fault.NAMELESS_ROW:
                rows.append(InvalidRow(None, "broken on purpose"))
            case Fault.ANSWERED_TWICE:
                rows.append(replace(rows[0], patch_group="another"))
            case Fault.BAD_VALUE:
                bad = replace(rows.pop(), missing_count=None)
                rows.append(InvalidRow(bad.instance_id, "MissingCount: broken on purpose", bad))
            case Fault.INVALID_ROW:
                bad = rows.pop() if rows else None
                rows.append(InvalidRow(getattr(bad, "instance_id", None), "broken on purpose"))
            case _:
                pass
        return Page(rows, page.next_token, page.answered_at_ms)


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
