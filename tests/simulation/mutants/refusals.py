"""Mistakes about a cause: a refusal that counts too soon or never, a target that is taken for too large."""

import math
from collections.abc import Callable
from typing import Any

from patchlake.core.listing import ListingResult
from patchlake.core.targets import Target
from patchlake.errors import RefusedError, RetryableError
from patchlake.stages import retry_policy
from patchlake.stages.listing_progress import ListingProgress
from patchlake.stages.retry_policy import Ask, Attempt, FinalRefusals
from tests.simulation.faults import Fault
from tests.simulation.mutants.mutant import Patch, mutant
from tests.simulation.mutants.provocations import (
    GIANT_TARGETS,
    HURRIED,
    REFUSED_BY_ROLE_OR_LISTING,
    REFUSED_FOR_GOOD,
    REFUSED_WITH_ANY_CODE,
)
from tests.simulation.provocation import struck_by

# A refusal.


@mutant("I20", "a refusal is recorded from the first receive on", REFUSED_FOR_GOOD)
def _records_soon(patch: Patch) -> None:
    patch.setattr(Attempt, "require_final", lambda *_: None)


@mutant("I1", "a refusal is recorded after one ask", REFUSED_FOR_GOOD)
def _asks_once(patch: Patch) -> None:
    def ask(attempt: Attempt, question: Ask[Any]) -> Any:  # noqa: ANN401
        try:
            return question(fresh_session=False)
        except RefusedError as refusal:
            attempt.require_final(refusal)
            raise

    patch.setattr(Attempt, "ask", ask)


@mutant("I1", "a refused target is asked again with the session that it refused", REFUSED_FOR_GOOD)
def _keeps_the_session(patch: Patch) -> None:
    ask = Attempt.ask

    def ask_in_one_session(attempt: Attempt, question: Ask[Any]) -> Any:  # noqa: ANN401
        def stale(*, fresh_session: bool) -> Any:  # noqa: ANN401, ARG001
            return question(fresh_session=False)

        return ask(attempt, stale)

    patch.setattr(Attempt, "ask", ask_in_one_session)


@mutant("I20", "a refused target is asked again without a pause", REFUSED_FOR_GOOD)
def _asks_again_at_once(patch: Patch) -> None:
    patch.setattr(Attempt, "_pause_before_second_ask", lambda *_: None)


@mutant("I20", "a refused target is asked again after as long as a message waits", REFUSED_FOR_GOOD)
def _pauses_long(patch: Patch) -> None:
    patch.setattr(retry_policy, "second_ask_seconds", lambda base_seconds: base_seconds)


@mutant("I20", "an account that refused for good is asked twice each time", REFUSED_FOR_GOOD)
def _forgets(patch: Patch) -> None:
    patch.setattr(FinalRefusals, "has", lambda *_: False)


def _knows(patch: Patch, alter: Callable[[str, Target, RefusedError], tuple[str, Target, RefusedError]]) -> None:
    """Let a process look for another refusal than the one that it met."""
    has, add = FinalRefusals.has, FinalRefusals.add
    patch.setattr(FinalRefusals, "has", lambda known, *met: has(known, *alter(*met)))
    patch.setattr(FinalRefusals, "add", lambda known, *met: add(known, *alter(*met)))


@mutant("I1", "a refusal of one account is final for every account", REFUSED_FOR_GOOD)
def _knows_any_account(patch: Patch) -> None:
    _knows(patch, lambda run_id, target, refusal: (run_id, Target("1", target.region), refusal))


@mutant("I1", "a refusal of one operation is final for every operation", REFUSED_BY_ROLE_OR_LISTING)
def _knows_any_operation(patch: Patch) -> None:
    _knows(patch, lambda run_id, target, met: (run_id, target, RefusedError(met.listing_status, met.code, str(met))))


@mutant("I1", "a refusal with one code is final with every code", REFUSED_WITH_ANY_CODE)
def _knows_any_code(patch: Patch) -> None:
    def coded(run_id: str, target: Target, met: RefusedError) -> tuple[str, Target, RefusedError]:
        return run_id, target, RefusedError(met.listing_status, "code", str(met), met.operation)

    _knows(patch, coded)


@mutant("I1", "a refusal of one run is final in the next", REFUSED_FOR_GOOD)
def _knows_any_run(patch: Patch) -> None:
    _knows(patch, lambda _, target, refusal: ("run", target, refusal))


@mutant("I1", "a refusal that was met once is remembered", REFUSED_FOR_GOOD)
def _remembers_any(patch: Patch) -> None:
    require_final = Attempt.require_final

    def remember(attempt: Attempt, reason: Any) -> None:  # noqa: ANN401
        if isinstance(reason, RefusedError):
            attempt.policy.final_refusals.add(attempt.run_id, attempt.target, reason)
        require_final(attempt, reason)

    patch.setattr(Attempt, "require_final", remember)


@mutant("I20", "a refusal with an unlisted code is waited for until the deadline", REFUSED_WITH_ANY_CODE)
def _waits_for_the_unlisted(patch: Patch) -> None:
    ask = Attempt.ask

    def ask_for_listed(attempt: Attempt, question: Ask[Any]) -> Any:  # noqa: ANN401
        try:
            return ask(attempt, question)
        except RefusedError as refusal:
            if refusal.listing_status == "NOT_LISTED":
                raise RetryableError(str(refusal)) from refusal
            raise

    patch.setattr(Attempt, "ask", ask_for_listed)


# Too large.


@mutant("I1", "a target whose listing ran out of time is recorded as too large", HURRIED)
def _blames_the_target(patch: Patch) -> None:
    patch.setattr(ListingProgress, "fills_an_invocation", True)


@mutant("I20", "a target that is too large is waited for", GIANT_TARGETS)
def _waits_for_the_giant(patch: Patch) -> None:
    patch.setattr(ListingProgress, "fills_an_invocation", False)


def _measured(patch: Patch, prepare: Callable[[ListingProgress, bool], bool]) -> None:
    """Let the progress of a listing be prepared before each page, which may no longer be the first."""
    page = ListingProgress.page

    def prepared(progress: ListingProgress, ask: Callable[[], Any], *, is_first: bool) -> Any:  # noqa: ANN401
        return page(progress, ask, is_first=prepare(progress, is_first))

    patch.setattr(ListingProgress, "page", prepared)


@mutant("I1", "slow pages count as if they had many rows", GIANT_TARGETS)
def _counts_slow_pages(patch: Patch) -> None:
    def without_limit(progress: ListingProgress, is_first: bool) -> bool:  # noqa: FBT001
        progress.page_seconds = math.inf
        return is_first

    _measured(patch, without_limit)


@mutant("I1", "the pages of a chain that is read again count", GIANT_TARGETS)
def _counts_broken_chains(patch: Patch) -> None:
    _measured(patch, lambda *_: False)


@mutant("I1", "pages that the SDK asked for several times count", GIANT_TARGETS & struck_by(Fault.ABSORBED))
def _counts_retries(patch: Patch) -> None:
    class NoRetries:
        retries = 0

    def uncounted(progress: ListingProgress, is_first: bool) -> bool:  # noqa: FBT001
        progress.call_counter = NoRetries()  # type: ignore[assignment]
        return is_first

    _measured(patch, uncounted)


@mutant("I1", "a target that is too large has a status of its own", GIANT_TARGETS)
def _renames_the_status(patch: Patch) -> None:
    from patchlake.stages import discover  # noqa: PLC0415

    def listing(status: Any, detail: str | None = None, *others: Any) -> ListingResult:  # noqa: ANN401
        return ListingResult("TOO_LARGE" if detail == discover.TOO_LARGE else status, detail, *others)  # type: ignore[arg-type]

    patch.setattr(discover, "ListingResult", listing)
