"""The proof that every call about an id fails, by the calls that a worker made."""

from collections.abc import Iterable
from dataclasses import dataclass

from patchlake.errors import RefusedError
from tests.simulation.invocations import Asking, Invocation

LIST_NODES, GET_STATES = "DescribeInstanceInformation", "DescribeInstancePatchStates"


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof that a part may record an id as one on which every call fails.

    Attributes:
        by: who made the calls.
        operation: of the calls.
        retry_seconds: the pause between two failures that count.
        listing_counts: whether the target has no other id, so that an answered listing counts.
        refusal: the refusal of the whole part, if it is one.
    """

    by: Invocation
    operation: str
    retry_seconds: float = 0
    listing_counts: bool = False
    refusal: RefusedError | None = None

    def code(self, instance_id: str) -> str | None:
        """Return the code that may be recorded of an id; None where that is not proved."""
        if self.refusal is not None:
            return self.refusal.code
        asks = self.by.asks
        alone = [n for n, ask in enumerate(asks) if ask.code and ask[:2] == (self.operation, (instance_id,))]
        if not alone:
            return None
        last = alone[-1]
        is_proved = any(
            asks[last].at - asks[first].at >= self.retry_seconds
            and any(self._is_witness(ask, instance_id) for ask in asks[first:last])
            for first in alone
        )
        return asks[last].code if is_proved or asks[last].code == "InvalidInstanceId" else None

    def _is_witness(self, ask: Asking, instance_id: str) -> bool:
        if ask.code not in {None, "InvalidInstanceId"} or instance_id in ask.ids:
            return False
        return ask.operation == self.operation or (self.listing_counts and ask.operation == LIST_NODES)


def refusal_recorded(by: Invocation, found: Iterable[tuple[str, str | None]]) -> RefusedError | None:
    """Return the refusal that a part records of each node, if its target refuses so; an unknown id is no refusal."""
    rows = set(found)
    if len(rows) != 1:
        return None
    [(status, detail)] = rows
    return by.final_refusal_with(detail) if status == "NOT_COLLECTED" and detail != "InvalidInstanceId" else None


def is_witness(by: Invocation, operation: str, ids: tuple[str, ...]) -> bool:
    """Whether a call may be about another id than its part's: only alone, and after another id failed alone."""
    failed_alone = (ask.ids for ask in by.asks if ask.operation == operation and ask.code and len(ask.ids) == 1)
    return len(ids) == 1 and any(failed != ids for failed in failed_alone)
