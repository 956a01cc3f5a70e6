"""Mistakes about ids on which every call fails: recorded on too little evidence, or at the cost of other ids."""

from patchlake.core.halving import INVALID_ID, Chunk, Failure, Halving
from patchlake.stages.calls_about_ids import CallsAboutIds
from patchlake.stages.throttled_calls import ThrottledCalls
from tests.simulation.mutants.mutant import Patch, mutant
from tests.simulation.mutants.provocations import FAILED_AS_UNKNOWN, POISONED


@mutant("I1", "an id that failed alone once is recorded", POISONED)
def _records_at_once(patch: Patch) -> None:
    def confirm(halving: Halving[object]) -> None:
        halving.failing |= {i: failure.code for i, failure in halving._failed_alone.items()}  # noqa: SLF001

    patch.setattr(Halving, "_confirm", confirm)


@mutant("I1", "an id that failed alone is asked about again without a pause", POISONED)
def _asks_again_at_once(patch: Patch) -> None:
    patch.setattr(ThrottledCalls, "pause_for", lambda *_: None)


@mutant("I1", "an id is recorded without an answer about another one", POISONED)
def _needs_no_witness(patch: Patch) -> None:
    patch.setattr(CallsAboutIds, "require_answer", lambda *_: None)


@mutant("I1", "every id of a call that failed is recorded", POISONED)
def _halves_nothing(patch: Patch) -> None:
    halves = Halving._halves  # noqa: SLF001

    def record(halving: Halving[object], chunk: Chunk, failure: Failure) -> list[list[Chunk]]:
        if len(chunk) == 1:
            return halves(halving, chunk, failure)
        halving.failing |= dict.fromkeys(chunk, failure.code)
        return []

    patch.setattr(Halving, "_halves", record)


@mutant("I1", "two ids that failed alone are recorded though nothing was answered", POISONED)
def _hopes(patch: Patch) -> None:
    patch.setattr(Halving, "_require_hope", lambda _: None)
    patch.setattr(CallsAboutIds, "require_answer", lambda *_: None)


@mutant("I1", "the code of an unknown id is believed whatever the status of the answer", FAILED_AS_UNKNOWN)
def _believes_the_code(patch: Patch) -> None:
    halves = Halving._halves  # noqa: SLF001

    def record(halving: Halving[object], chunk: Chunk, failure: Failure) -> list[list[Chunk]]:
        if len(chunk) > 1 or not failure.code.endswith(INVALID_ID):
            return halves(halving, chunk, failure)
        halving.failing[chunk[0]] = failure.code
        return []

    patch.setattr(Halving, "_halves", record)
