"""Calls of the handlers, the processes that run them, and everything that they were told: the evidence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from patchlake.core.agreed_time import AgreedTime
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import Account
from patchlake.core.records import Page
from patchlake.core.timings import PERMANENT_FROM_RECEIVE, RESERVE_SECONDS
from patchlake.errors import RefusedError
from patchlake.stages.retry_policy import FinalRefusals
from tests.simulation import ec2_service
from tests.simulation.builds import Build
from tests.simulation.patch_service import Said
from tests.world import RUN_AT

type Stage = Literal["plan", "discover", "collect", "commit"]
type QueueName = Literal["discover", "listing", "collect", "detail", "commit"]
type Message = DiscoverMessage | CollectMessage | CommitMessage


_TIMEOUT_SECONDS = 900


class Asking(NamedTuple):
    """One call of SSM: when it was made by its handler's time, and the code of its failure, None if it was answered."""

    operation: str
    ids: tuple[str, ...]
    at: float
    code: str | None


@dataclass(slots=True)
class Invocation:
    """One call of a handler, with everything that it was told: the evidence for what it writes.

    Attributes:
        run_id: the run that its event or message names; None where it names none.
        receive_count: of its message.
        begun_late: whether its run was published before it began.
        skew: how far its clock is ahead.
        regions: those that its environment names.
        accounts: those of the organization, as it was told the last time that it asked.
        heard: what its clock makes of the times of the answers.
        dates: the times of the answers whose Date header was right.
        jumps: how many Date headers were not.
        moved: by how much all Date headers are off from now on; only plan meets that, since they agree with each other.
        readings: what its clock said, each time it looked.
        sent: every message that it sent.
        queue: that its message came from.
        listing: the pages of its latest chain of a listing.
        ec2_rows: the rows of that chain as EC2 answered them.
        answers: the pages of a detail source, by the ids of the call.
        said: the pages of the patches as their service answered them, by the ids of the call.
        is_filter_refused: whether the service refused their filter, since the target's API was opened.
        denied: the ids of the calls since the target denied the access, None where it did not.
        under_way: the number of calls that were under way when another one failed.
        asked_from: the number of its calls of SSM before it asked its target again.
        is_aside: whether it asks once more about ids that were answered, to see whether SSM answers at all.
        asks: its calls of SSM.
        process: the process that runs it.
        refused: the refusals that it met, before it asked again and after that.
        asked_again: whether it asked its target again, after a refusal.
        refusal_pauses: how long it paused before that, for the refusal and for calls that were throttled.
        listing_seconds: how long the rows of that chain take, without any delay.
        seconds_left: the least that it was told of.
        waited_seconds: how long it waited for a target that throttled, in total.
        calls_since_look: about a secondary part, since it last looked whether there is one.
        over: whether it has ended.
        calls: how many of its calls reached SSM.
        absorbed: how often the SDK repeated a call of it.
        hurries: whether it was told that its time is nearly over, whatever the clock says.
        throttled: whether it was throttled, and has not paused since.
        must_yield: whether it asks for details, was throttled, and has not been answered or asked again since.
        wakes_at: when it goes on, after a pause or a slow call.
        lost_seconds: of its time, which passed for no other handler.
    """

    number: int
    stage: Stage
    run_id: str | None
    message: Message | None
    receive_count: int
    begun_at: datetime
    begun_late: bool
    build: Build
    skew: timedelta
    regions: Sequence[str]
    process: "Process"
    queue: QueueName | None = None
    accounts: Sequence[Account] = ()
    heard: AgreedTime = field(default_factory=AgreedTime)
    dates: set[datetime] = field(default_factory=set)
    jumps: int = 0
    moved: timedelta = timedelta()
    readings: list[datetime] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    listing: list[Page[Any]] = field(default_factory=list)
    ec2_rows: list[ec2_service.Row] = field(default_factory=list)
    answers: dict[tuple[str, ...], list[Page[Any]]] = field(default_factory=dict)
    said: dict[tuple[str, ...], list[Said]] = field(default_factory=dict)
    is_filter_refused: bool = False
    denied: set[tuple[str, ...]] | None = None
    under_way: int = 0
    asked_from: int = 0
    is_aside: bool = False
    asks: list[Asking] = field(default_factory=list)
    refused: dict[bool, list[RefusedError]] = field(default_factory=lambda: {False: [], True: []})
    asked_again: bool = False
    refusal_pauses: list[float] = field(default_factory=list)
    listing_seconds: float = 0
    seconds_left: float = math.inf
    waited_seconds: float = 0
    calls_since_look: int = 0
    over: bool = False
    calls: int = 0
    absorbed: int = 0
    hurries: bool = False
    throttled: bool = False
    must_yield: bool = False
    wakes_at: datetime = RUN_AT
    lost_seconds: float = 0

    def __str__(self) -> str:
        """Name it as the story does."""
        return f"#{self.number} {self.stage}"

    @property
    def final_refusal(self) -> RefusedError | None:
        """The last refusal that it met, if it may record it."""
        refusal = next(reversed(self.refused[self.asked_again]), None)
        return None if refusal is None or not self.may_record(refusal) else refusal

    def final_refusal_with(self, code: str | None) -> RefusedError | None:
        """The refusal with this code that it may record; concurrent calls may have been refused for other reasons."""
        refusals = [each for each in self.refused[self.asked_again] if each.code == code and self.may_record(each)]
        return next(reversed(refusals), None)

    def may_record(self, refusal: RefusedError) -> bool:
        """Whether a refusal counts: of a second ask from the third receive on, or known to its process."""
        is_final = self.asked_again and self.receive_count >= PERMANENT_FROM_RECEIVE
        return is_final or self.process.knows(self, refusal)

    @property
    def is_too_large_to_list(self) -> bool:
        """Whether its time is over, and the rows that it listed take nine tenths of any invocation's time."""
        enough = 0.9 * (_TIMEOUT_SECONDS - RESERVE_SECONDS)
        return self.seconds_left < RESERVE_SECONDS and self.listing_seconds >= enough

    def time_left(self, now: datetime) -> float:
        """Return the time that a worker has."""
        return _TIMEOUT_SECONDS - (now - self.begun_at).total_seconds() - self.lost_seconds

    @property
    def account_id(self) -> str | None:
        """The account that its message names."""
        return getattr(self.message, "account_id", None)

    @property
    def source(self) -> str | None:
        """The source that its message names."""
        return getattr(self.message, "source", None)

    @property
    def is_secondary(self) -> bool:
        """Whether its message names a source that must not change the snapshot."""
        return self.source not in {None, "nodes", "patch_states"}


@dataclass(slots=True, eq=False)
class Process:
    """A process of a function: its memory of final refusals, and what it must remember of them.

    Attributes:
        memory: the one of the code under test.
        run_id: the run of which it remembers refusals.
        known: by account, operation and code.
        by: the invocation that it runs, or ran last.
        ended: whether it died, or its memory cannot be told.
    """

    memory: FinalRefusals = field(default_factory=FinalRefusals)
    run_id: str | None = None
    known: set[tuple[str | None, str, str]] = field(default_factory=set)
    by: Invocation | None = None
    ended: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether it can run another invocation."""
        return not self.ended and (self.by is None or self.by.over)

    def knows(self, by: Invocation, refusal: RefusedError) -> bool:
        """Whether it recorded the refusal for the account of an invocation before."""
        return by.run_id == self.run_id and (by.account_id, refusal.operation, refusal.code) in self.known

    def learn(self, by: Invocation) -> None:
        """Remember a refusal that was met twice; of several at once, which one counts cannot be told.

        Nor can it where other ids might be answered: the worker may run out of time before it gives up on them.
        """
        first, second = (
            {(refusal.operation, refusal.code) for refusal in by.refused[again]} for again in (False, True)
        )
        is_about_ids = any(ask.code and ask.ids and ask.code == code for ask in by.asks for _, code in second)
        is_final = by.refused[True] and by.refused[True][-1].listing_status != "NOT_LISTED"
        self.ended |= max(len(first), len(second)) > 1 or (is_about_ids and not is_final)
        if first == second:
            self.known = (self.known if by.run_id == self.run_id else set()) | {(by.account_id, *r) for r in second}
            self.run_id = by.run_id
