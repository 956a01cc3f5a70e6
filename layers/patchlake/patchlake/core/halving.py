"""The search for the ids on which a service always fails, so that they cost no other id anything.

A call that fails is made again in halves, down to the id. An id that fails alone is recorded only after a pause, after
an answer about another id, and after it failed alone once more: everything else may be an outage, or the target. While
nothing was answered, only the two halves of one call are tried at a time; once two ids failed alone, the search ends.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from patchlake.core.error_codes import without_suffix
from patchlake.errors import FailedCallError, RefusedError, RestartError

INVALID_ID = "InvalidInstanceId"
"""The code by which a service says of a single id that it does not know it: an answer about that id."""


def is_unknown_id(code: str) -> bool:
    """Whether a code is that of an id which the service does not know; some services add ``Exception`` to it."""
    return without_suffix(code) == INVALID_ID


type Chunk = tuple[str, ...]
type Failure = FailedCallError | RestartError | RefusedError


class _Unanswered(NamedTuple):
    """A chunk without an answer; without a failure, the call was not made."""

    chunk: Chunk
    failure: Failure | None = None


class Calls[T](Protocol):
    """The calls of one search."""

    def ask(self, chunk: Chunk) -> T:
        """Return the answer about some ids."""
        ...

    def each[R](self, function: Callable[[Chunk], R], chunks: Sequence[Chunk], /) -> Iterable[R]:
        """Apply a function that asks to every chunk, in any order; calls may be concurrent."""
        ...

    def is_about_ids(self, refusal: RefusedError) -> bool:
        """Whether other ids might be answered: not where the caller, its session or the region is refused."""
        ...

    def pause(self) -> None:
        """Wait until a second failure counts."""
        ...

    def require_answer(self, answered: Sequence[str]) -> None:
        """Return once the service answered about another id than the failing ones.

        Args:
            answered: the ids about which it has answered.

        Raises:
            RetryableError, RefusedError: it did not.
        """
        ...


@dataclass
class Halving[T]:
    """One search.

    Attributes:
        calls: made by the search.
        answers: in any order.
        failing: the code of each id on which the service always fails.
    """

    calls: Calls[T]
    answers: list[T] = field(default_factory=list)
    failing: dict[str, str] = field(default_factory=dict)
    _answered: list[str] = field(default_factory=list)
    _failed_alone: dict[str, Failure] = field(default_factory=dict)
    _failures: int = 0

    def search(self, chunks: Iterable[Chunk]) -> None:
        """Settle every id of these chunks: it is in an answer, or in ``failing``.

        Raises:
            RefusedError: the target refuses, for whatever ids.
            RetryableError: nothing was answered, or an answer was not confirmed.
        """
        groups = [list(chunks)]
        while groups:
            if self._answered:
                groups = [[chunk for group in groups for chunk in group]]
            for chunk, failure in self._unanswered(groups.pop()):
                groups += [[chunk]] if failure is None else self._halves(chunk, failure)
            self._require_hope()
        self._confirm()

    def _unanswered(self, chunks: Sequence[Chunk]) -> list[_Unanswered]:
        """Ask about every chunk, and return those without an answer; no second failure is waited for in an outage."""
        self._failures = 0
        return [found for found in self.calls.each(self._ask, chunks) if found is not None]

    def _ask(self, chunk: Chunk) -> _Unanswered | None:
        if self._failures > 1 and not self._answered:
            return _Unanswered(chunk)
        try:
            self.answers.append(self.calls.ask(chunk))
        except (FailedCallError, RestartError) as error:
            failure: Failure = error
        except RefusedError as error:
            if not self.calls.is_about_ids(error):
                raise
            failure = error
        else:
            self._answered += chunk
            return None
        self._failures += 1
        return _Unanswered(chunk, failure)

    def _halves(self, chunk: Chunk, failure: Failure) -> list[list[Chunk]]:
        """Return the chunks to ask about next; a single id has none."""
        if len(chunk) > 1:
            middle = len(chunk) // 2
            return [[chunk[:middle], chunk[middle:]]]
        # An error of 5xx is no answer, whatever code its body names.
        if isinstance(failure, RefusedError) and is_unknown_id(failure.code):
            self.failing[chunk[0]] = failure.code
        else:
            self._failed_alone[chunk[0]] = failure
        return []

    def _require_hope(self) -> None:
        """Return unless two ids failed alone and none was answered: then it is not about these ids."""
        failures = list(self._failed_alone.values())
        if len(failures) > 1 and not self._answered:
            raise next((failure for failure in failures if not isinstance(failure, RefusedError)), failures[-1])

    def _confirm(self) -> None:
        """Ask again about each id that failed alone; record the ones that fail again."""
        if not self._failed_alone:
            return
        self.calls.pause()
        self.calls.require_answer(self._answered)
        for (instance_id,), failure in self._unanswered([(instance_id,) for instance_id in self._failed_alone]):
            self.failing[instance_id] = (failure or self._failed_alone[instance_id]).code
