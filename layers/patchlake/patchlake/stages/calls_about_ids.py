"""The calls of one part about its ids: as many at a time as the target allows, and by halves where one fails."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import Any

from patchlake.core.halving import Chunk, Halving, is_unknown_id
from patchlake.core.paging import read_chain
from patchlake.core.records import Page
from patchlake.core.rows import Outcome
from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake.errors import RefusedError
from patchlake.ports import ParallelMap, TargetApi
from patchlake.sources.source import DetailSource, Operation
from patchlake.stages.throttled_calls import ThrottledCalls

type Settled = Mapping[str, Sequence[Outcome]]


@dataclass(frozen=True, slots=True)
class CallsAboutIds:
    """``halving.Calls`` for one part of a detail source.

    Attributes:
        look: called before each call.
        calls: wait for a target that throttles.
        pause: waits until a second failure of the same id counts.
        other_ids: ids of the target that the part does not ask about.
        listing: answers where the target has no other id.
    """

    api: TargetApi
    source: DetailSource
    look: Callable[[], None]
    calls: ThrottledCalls
    parallel_map: ParallelMap
    pause: Callable[[], None]
    other_ids: Iterator[str]
    listing: Operation

    def settled(self, ids: Sequence[str]) -> dict[str, Sequence[Outcome]]:
        """Return the outcomes of every id.

        Raises:
            RefusedError: the target refuses.
            RetryableError: the target could not answer for now.
        """
        halving = Halving[Settled](self)
        halving.search(batched(ids, self.source.operation.ids_per_call, strict=False))
        settled = {instance_id: outcomes for answer in halving.answers for instance_id, outcomes in answer.items()}
        return settled | {
            instance_id: (Outcome(CollectionStatus.NOT_COLLECTED, code),)
            for instance_id, code in halving.failing.items()
        }

    def ask(self, chunk: Chunk) -> Settled:
        """Return the outcomes of some ids, from one chain of pages."""
        most_rows = len(chunk) * self.source.operation.rows_per_id
        page, settle = partial(self._page, chunk), partial(self.source.settle, chunk)
        return read_chain(page, settle, most_rows, self.calls.subject)

    def each[R](self, function: Callable[[Chunk], R], chunks: Sequence[Chunk], /) -> Iterable[R]:
        """Apply a function that asks to every chunk, with as many concurrent calls as the target allows."""
        return self.calls.call_each(function, chunks, self.parallel_map)

    def is_about_ids(self, refusal: RefusedError) -> bool:
        """Whether the source's own operation is refused, by a code that is not about the caller or the region."""
        is_own = refusal.operation == self.source.operation.name
        return is_own and refusal.listing_status == ListingStatus.NOT_LISTED

    def require_answer(self, answered: Sequence[str]) -> None:
        """Return once the target answered about another id; where it has none, once it answered a listing.

        That it does not know the other id is an answer.
        """
        other = next(iter(answered), None) or next(self.other_ids, None)
        if other is None:
            self.calls.call(lambda: self.api.page(self.listing, (), None))
        else:
            try:
                self.calls.call(partial(self.ask, (other,)))
            except RefusedError as refusal:
                if not is_unknown_id(refusal.code):
                    raise

    def _page(self, chunk: Chunk, token: str | None) -> Page[Any]:
        self.look()
        self.calls.require_time()
        return self.api.page(self.source.operation, chunk, token)
