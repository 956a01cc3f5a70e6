"""Final refusals: from the third receive on, after a second ask; then at once, for the same account."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier

import pytest

from patchlake.core.targets import Target
from patchlake.core.timings import RESERVE_SECONDS
from patchlake.errors import RefusedError, RetryableError
from patchlake.ports import Delivery
from patchlake.stages.retry_policy import RetryPolicy

EU, US = Target("111122223333", "eu-central-1"), Target("111122223333", "us-east-1")
OTHER = Target("444455556666", "eu-central-1")


def refusal(code: str = "ValidationException", operation: str = "ListNodes") -> RefusedError:
    return RefusedError("NOT_LISTED", code, f"{operation}: {code}", operation)


@dataclass
class Process:
    """One process of a stage, and the target's answers to its asks."""

    base_seconds: int = 30
    records_at_once: bool = False
    did: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.policy = RetryPolicy([], self.base_seconds, lambda: 0.5, self._pause, self.records_at_once)

    def _pause(self, seconds: float) -> None:
        self.did.append(f"pause {seconds}")

    def ask(
        self,
        *answers: RefusedError | int,
        receive: int = 3,
        target: Target = EU,
        run_id: str = "20261101T060000Z",
        seconds_left: float = 800,
    ) -> int:
        """Ask a target that gives these answers, one after the other."""
        remaining = list(answers)
        self.did.clear()

        def question(*, fresh_session: bool) -> int:
            self.did.append("ask in a fresh session" if fresh_session else "ask")
            answer = remaining.pop(0)
            if isinstance(answer, RefusedError):
                raise answer
            return answer

        delivery = Delivery("", "", receive, seconds_left=lambda: seconds_left)
        with self.policy.attempt(delivery, run_id, target) as attempt:
            return attempt.ask(question)


TWICE = ["ask", "pause 5", "ask in a fresh session"]


@pytest.mark.parametrize("receive", [1, 2])
def test_before_the_third_receive_a_refusal_is_not_final(receive: int) -> None:
    process = Process()

    with pytest.raises(RetryableError, match=f"ValidationException .receive {receive} of 3 before it is recorded"):
        process.ask(refusal(), receive=receive)
    assert process.did == ["ask"]


@pytest.mark.parametrize("receive", [3, 19])
def test_from_the_third_receive_on_a_refusal_is_final_after_a_second_ask(receive: int) -> None:
    process = Process()

    with pytest.raises(RefusedError, match="ValidationException"):
        process.ask(refusal(), refusal(), receive=receive)
    assert process.did == TWICE


def test_a_second_ask_that_is_answered_is_the_answer() -> None:
    process = Process()

    assert process.ask(refusal(), 7) == 7
    assert process.did == TWICE


@pytest.mark.parametrize(("base_seconds", "pause"), [(0, 0), (3, 3), (5, 5), (900, 5)])
def test_the_pause_is_the_shortest_of_a_message_and_five_seconds_at_most(base_seconds: int, pause: int) -> None:
    process = Process(base_seconds)

    with pytest.raises(RefusedError):
        process.ask(refusal(), refusal())
    assert process.did[1] == f"pause {pause}"


def test_a_final_refusal_of_an_account_is_final_at_once_and_at_any_receive_in_all_its_regions() -> None:
    process = Process()
    with pytest.raises(RefusedError):
        process.ask(refusal(), refusal())

    for target in (EU, US):
        with pytest.raises(RefusedError):
            process.ask(refusal(), receive=1, target=target)
        assert process.did == ["ask"]


@pytest.mark.parametrize(
    ("refused", "target", "run_id"),
    [
        (refusal("AccessDenied"), EU, "20261101T060000Z"),
        (refusal(operation="AskStates"), EU, "20261101T060000Z"),
        (refusal(), OTHER, "20261101T060000Z"),
        (refusal(), EU, "20261102T060000Z"),
    ],
    ids=["code", "operation", "account", "run"],
)
def test_a_final_refusal_says_nothing_about_another(refused: RefusedError, target: Target, run_id: str) -> None:
    process = Process()
    with pytest.raises(RefusedError):
        process.ask(refusal(), refusal())

    with pytest.raises(RetryableError):
        process.ask(refused, receive=2, target=target, run_id=run_id)
    with pytest.raises(RefusedError):
        process.ask(refused, refused, target=target, run_id=run_id)
    assert process.did == TWICE


def test_a_refusal_met_once_is_not_remembered() -> None:
    process = Process()
    assert process.ask(refusal(), 7) == 7
    with pytest.raises(RefusedError, match="ValidationException"):
        process.ask(refusal("AccessDenied"), refusal())

    with pytest.raises(RetryableError):
        process.ask(refusal(), receive=2)


def test_without_time_for_a_second_ask_the_message_comes_back() -> None:
    process = Process()

    with pytest.raises(RetryableError, match="no time is left to ask again"):
        process.ask(refusal(), refusal(), seconds_left=RESERVE_SECONDS + 4)
    assert process.did == ["ask"]


def test_where_a_person_waits_a_refusal_is_final_at_once() -> None:
    process = Process(records_at_once=True)

    with pytest.raises(RefusedError):
        process.ask(refusal(), receive=1)
    assert process.did == ["ask"]


def test_three_thousand_refused_targets_of_one_account_take_one_pause() -> None:
    process = Process()
    pauses = 0

    for number in range(3000):
        with pytest.raises(RefusedError):
            process.ask(refusal(), refusal(), target=Target(EU.account_id, f"eu-made-{number}"))
        pauses += len(process.did) > 1

    assert pauses == 1


def wait(together: Barrier) -> None:
    together.wait(timeout=10)


def test_the_pauses_for_different_accounts_overlap() -> None:
    workers = 8
    together = Barrier(workers)
    policy = RetryPolicy([], 30, lambda: 0.5, lambda _: wait(together))

    def refused(number: int) -> str:
        def question(*, fresh_session: bool) -> int:  # noqa: ARG001
            raise refusal()

        target = Target(f"{number:012}", "eu-central-1")
        with (
            pytest.raises(RefusedError) as caught,
            policy.attempt(Delivery("", "", 3), "20261101T060000Z", target) as attempt,
        ):
            attempt.ask(question)
        return caught.value.code

    with ThreadPoolExecutor(workers) as pool:
        # Each pause ends only when all workers pause, so one after the other would never end.
        assert set(pool.map(refused, range(workers * 3))) == {"ValidationException"}
