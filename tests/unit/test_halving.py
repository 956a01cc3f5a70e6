"""Halving: exactly the ids on which the service always fails are recorded, in a bounded number of calls."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import batched
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.core.halving import INVALID_ID, Chunk, Halving
from patchlake.errors import BrokenAnswerError, FailedCallError, RefusedError, RestartError, RetryableError

SIZE = 50
ERRORS: list[Callable[[], FailedCallError | RestartError | RefusedError]] = [
    lambda: FailedCallError("InternalServerError", "500"),
    lambda: RefusedError("NOT_LISTED", "ValidationException", "400"),
    lambda: BrokenAnswerError("cut short"),
    lambda: RefusedError("NOT_LISTED", INVALID_ID, "400"),
    lambda: FailedCallError(f"500 {INVALID_ID}", "500"),
]


@dataclass
class Service:
    """A service that always fails on some ids, and on some calls whatever their ids.

    Attributes:
        poisoned: the error of each id on which it always fails.
        stumbles: whether each call fails, in their order.
        others: whether there are other ids to ask about.
        log: each call with its result, and each pause.
    """

    poisoned: dict[str, FailedCallError | RestartError | RefusedError]
    stumbles: Iterable[bool] = ()
    others: bool = True
    log: list[tuple[Chunk, bool] | str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with the first call."""
        self._stumbles = iter(self.stumbles)

    def ask(self, chunk: Chunk) -> Chunk:
        """Answer with the ids themselves."""
        bad = next((self.poisoned[i] for i in chunk if i in self.poisoned), None)
        if next(self._stumbles, False):
            bad = FailedCallError("ServiceUnavailable", "503")
        self.log.append((chunk, bad is None))
        if bad is not None:
            raise bad
        return chunk

    def each[R](self, function: Callable[[Chunk], R], chunks: Sequence[Chunk]) -> Iterable[R]:
        """Ask one after the other."""
        return map(function, chunks)

    @staticmethod
    def is_about_ids(refusal: RefusedError) -> bool:
        """Whether the refusal has the status that is left for other codes."""
        return refusal.listing_status == "NOT_LISTED"

    def pause(self) -> None:
        """Note a pause."""
        self.log.append("pause")

    def require_answer(self, answered: Sequence[str]) -> None:
        """Ask about an id that was answered, or about another one of the target."""
        self.ask((answered[0] if answered else "other",))

    @property
    def calls(self) -> list[tuple[Chunk, bool]]:
        """The calls."""
        return [entry for entry in self.log if not isinstance(entry, str)]


def ids_of(count: int) -> list[str]:
    return [f"i-{number:08x}" for number in range(count)]


def search(service: Service, ids: Sequence[str], size: int = SIZE) -> Halving[Chunk]:
    halving = Halving(service)
    halving.search(batched(ids, size, strict=False))
    return halving


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[str], Service, int]:
    """Draw some ids, a service that always fails on some of them, and the ids of one call."""
    ids = ids_of(draw(st.integers(1, 130)))
    kinds = draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(ERRORS), max_size=6))
    return ids, Service({i: kind() for i, kind in kinds.items()}), draw(st.sampled_from([1, 3, SIZE]))


def bound(ids: Sequence[str], service: Service, size: int) -> int:
    """Return the most calls: each chunk, two at each level above a failing id, a second round and the witness."""
    failing = len(service.poisoned)
    return ceil(len(ids) / size) + failing * (2 * ceil(log2(size) if size > 1 else 0) + 1) + 1


def is_unknown(error: FailedCallError | RestartError | RefusedError) -> bool:
    return isinstance(error, RefusedError) and error.code == INVALID_ID


@given(worlds())
def test_exactly_the_ids_on_which_the_service_always_fails_are_recorded(world: tuple[list[str], Service, int]) -> None:
    ids, service, size = world
    try:
        found = search(service, ids, size)
    except (RetryableError, RefusedError):
        assert not [chunk for chunk, is_answered in service.calls if is_answered]
        assert len([i for i, error in service.poisoned.items() if not is_unknown(error)]) > 1
    else:
        assert found.failing == {i: error.code for i, error in service.poisoned.items()}
        assert sorted(i for chunk in found.answers for i in chunk) == [i for i in ids if i not in service.poisoned]
    assert len(service.calls) <= bound(ids, service, size)


@given(worlds(), st.lists(st.booleans(), max_size=60))
def test_an_id_is_recorded_only_on_the_evidence_of_the_rule(
    world: tuple[list[str], Service, int], stumbles: list[bool]
) -> None:
    ids, drawn, size = world
    service = Service(drawn.poisoned, stumbles)
    try:
        found = search(service, ids, size)
    except (RetryableError, RefusedError):
        return
    answered = [i for chunk in found.answers for i in chunk]
    assert sorted([*answered, *found.failing]) == ids
    for instance_id in found.failing:
        alone = [place for place, entry in enumerate(service.log) if entry == ((instance_id,), False)]
        if instance_id in service.poisoned and is_unknown(service.poisoned[instance_id]):
            assert alone
            continue
        first, *_, last = alone
        between = service.log[first:last]
        assert "pause" in between
        after_pause = [entry for entry in between[between.index("pause") :] if not isinstance(entry, str)]
        assert [chunk for chunk, is_answered in after_pause if is_answered and instance_id not in chunk]


def test_one_id_among_fifty_costs_no_other_one() -> None:
    ids = ids_of(50)
    service = Service({ids[17]: FailedCallError("InternalServerError", "500")})

    found = search(service, ids)

    assert found.failing == {ids[17]: "InternalServerError"}
    assert sorted(i for chunk in found.answers for i in chunk) == [i for i in ids if i != ids[17]]
    assert len(service.calls) <= 1 + 2 * 6 + 2


def test_an_id_that_is_answered_the_second_time_is_not_recorded() -> None:
    service = Service({}, stumbles=[True, False, True])

    found = search(service, ids_of(2))

    assert found.failing == {}
    assert sorted(i for chunk in found.answers for i in chunk) == ids_of(2)


@pytest.mark.parametrize("code", [INVALID_ID, f"{INVALID_ID}Exception"])
def test_an_id_that_the_service_does_not_know_is_recorded_at_once_and_is_no_reason_to_wait(code: str) -> None:
    ids = ids_of(3)
    service = Service({i: RefusedError("NOT_LISTED", code, "400") for i in ids})

    assert search(service, ids).failing == dict.fromkeys(ids, code)
    assert "pause" not in service.log


def test_an_outage_whose_errors_have_the_code_of_an_unknown_id_is_an_outage() -> None:
    ids = ids_of(100)

    with pytest.raises(FailedCallError, match="500"):
        search(Service({i: FailedCallError(f"500 {INVALID_ID}", "500") for i in ids}), ids)


@pytest.mark.parametrize("size", [1, 3, 50])
@pytest.mark.parametrize("count", [2, 50, 2000])
def test_an_outage_ends_the_search_after_a_few_calls(count: int, size: int) -> None:
    service = Service({}, stumbles=[True] * 10_000)

    with pytest.raises(FailedCallError, match="503"):
        search(service, ids_of(count), size)
    assert len(service.calls) <= 2 + 2 * 7


def test_a_target_that_refuses_every_id_is_refused_as_a_target() -> None:
    ids = ids_of(100)

    with pytest.raises(RefusedError, match="400"):
        search(Service({i: RefusedError("NOT_LISTED", "ValidationException", "400") for i in ids}), ids)


@pytest.mark.parametrize("status", ["ROLE_NOT_ASSUMABLE", "ACCESS_DENIED", "REGION_DISABLED"])
def test_a_refusal_of_the_caller_is_not_halved(status: str) -> None:
    ids = ids_of(100)
    service = Service({ids[7]: RefusedError(status, "AccessDeniedException", "denied")})

    with pytest.raises(RefusedError, match="denied"):
        search(service, ids)
    assert len(service.calls) == 1


def test_a_failure_of_any_other_kind_is_left_to_the_message() -> None:
    class Throttled(Service):
        def ask(self, chunk: Chunk) -> Chunk:
            super().ask(chunk)
            raise RetryableError("throttled")

    service = Throttled({})

    with pytest.raises(RetryableError, match="throttled"):
        search(service, ids_of(100))
    assert len(service.calls) == 1


def test_the_only_id_of_a_batch_is_recorded_where_another_one_of_the_target_is_answered() -> None:
    [instance_id] = ids_of(1)
    service = Service({instance_id: FailedCallError("InternalServerError", "500")})

    assert search(service, [instance_id]).failing == {instance_id: "InternalServerError"}
    assert service.log == [((instance_id,), False), "pause", (("other",), True), ((instance_id,), False)]


def test_an_id_is_not_recorded_where_no_other_one_is_answered_after_the_pause() -> None:
    [instance_id] = ids_of(1)
    broken = FailedCallError("InternalServerError", "500")

    with pytest.raises(FailedCallError, match="500"):
        search(Service({instance_id: broken, "other": broken}), [instance_id])
