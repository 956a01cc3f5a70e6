"""The rule for AWS's time: two consecutive answers must agree."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.core.agreed_time import AGREEMENT, ASKS, AgreedTime, agree
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER
from patchlake.errors import RetryableError

NOW = datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC)
DAYS = timedelta(days=2)
JUMPS = st.timedeltas(timedelta(hours=1), timedelta(days=4000)) | st.timedeltas(
    timedelta(days=-4000), timedelta(hours=-1)
)


def time_of(answers: Iterable[datetime | None], further: Iterable[datetime | None] = ()) -> tuple[datetime, int]:
    """Return the time after these answers, and how many of the further ones were asked for."""
    time, rest, asked = AgreedTime(), list(further), 0

    def ask() -> None:
        nonlocal asked
        asked += 1
        if rest:
            time.hear(rest.pop(0))

    for at in answers:
        time.hear(at)
    return time.now(ask), asked


def now_after(answers: Iterable[datetime | None], ask: Callable[[], object]) -> datetime:
    """Return the time after these answers, which may be asked for."""
    time = AgreedTime()
    for at in answers:
        time.hear(at)
    return time.now(ask)


def test_two_answers_that_agree_give_the_time_of_the_later_one_and_nothing_is_asked() -> None:
    assert time_of([NOW, NOW + timedelta(seconds=3)]) == (NOW + timedelta(seconds=3), 0)


@pytest.mark.parametrize(
    ("answers", "further", "asked"),
    [
        ([NOW], [NOW], 1),
        ([], [NOW, NOW], 2),
        ([NOW + DAYS, NOW], [NOW], 1),
        ([NOW, NOW + DAYS], [NOW, NOW], 2),
        ([NOW, NOW - DAYS], [NOW, NOW], 2),
        ([NOW, None], [NOW, NOW], 2),
        ([None, NOW], [NOW], 1),
        ([NOW], [NOW + DAYS, NOW, NOW], 3),
        ([], [NOW, None, NOW, NOW], 4),
    ],
    ids=[
        "first",
        "none",
        "wrong_before",
        "days_ahead",
        "days_behind",
        "no_date",
        "no_date_before",
        "wrong_then",
        "no_date_then",
    ],
)
def test_otherwise_the_time_is_asked_for(
    answers: list[datetime | None], further: list[datetime | None], asked: int
) -> None:
    assert time_of(answers, further) == (NOW, asked)


@given(jump=JUMPS, place=st.integers(0, 4), before=st.integers(0, 3))
def test_one_wrong_answer_changes_nothing_wherever_it_comes(jump: timedelta, place: int, before: int) -> None:
    answers: list[datetime | None] = [NOW] * (before + ASKS + 2)
    if place < len(answers):
        answers[place] = NOW + jump

    at, _ = time_of(answers[:before], answers[before:])

    assert at == NOW


@given(answers=st.lists(st.none() | JUMPS.map(lambda jump: NOW + jump), max_size=4))
def test_a_time_counts_exactly_if_the_latest_two_answers_agree(answers: list[datetime | None]) -> None:
    latest = ([None, None, *answers])[-2:]

    try:
        at, _ = time_of(answers)
    except RetryableError:
        assert not agree(*latest)
    else:
        assert agree(*latest)
        assert at == latest[1]


def test_answers_that_never_agree_leave_the_message_to_be_retried() -> None:
    with pytest.raises(RetryableError, match=r"2026-11-25T06:00:07Z and nothing; expected two Date headers within 15"):
        time_of([NOW], [NOW + DAYS, NOW, NOW + DAYS, None])


def test_a_time_that_cannot_be_asked_for_is_unknown() -> None:
    with pytest.raises(RetryableError, match="say nothing and 2026-11-23T06:00:07Z"):
        time_of([NOW])


@pytest.mark.parametrize("answers", [[], [NOW], [NOW, None]], ids=["none", "one", "no_date"])
def test_a_time_that_cannot_be_asked_for_is_told_by_the_last_failure(answers: list[datetime | None]) -> None:
    failures = iter(range(ASKS))

    def ask() -> None:
        raise RetryableError(f"STS cannot be reached, {next(failures)}")

    with pytest.raises(RetryableError, match=f"^STS cannot be reached, {ASKS - 1}$"):
        now_after(answers, ask)


def test_dates_that_do_not_agree_are_told_as_such_even_if_the_answers_have_errors() -> None:
    def ask() -> None:
        raise RetryableError("STS cannot be reached")

    with pytest.raises(RetryableError, match="2026-11-23T06:00:07Z and 2026-11-25T06:00:07Z") as raised:
        now_after([NOW, NOW + DAYS], ask)

    assert str(raised.value.__cause__) == "STS cannot be reached"


def test_the_answers_of_an_earlier_invocation_do_not_count() -> None:
    time = AgreedTime()
    time.hear(NOW)
    time.begin()
    time.hear(NOW)

    assert time.latest == NOW
    assert time.agreed() is None


@pytest.mark.parametrize(("apart", "agreeing"), [(0, True), (900, True), (-900, True), (901, False), (-901, False)])
def test_times_agree_within_fifteen_minutes(apart: int, *, agreeing: bool) -> None:
    assert agree(NOW, NOW + timedelta(seconds=apart)) is agreeing


def test_no_invocation_lasts_longer_than_two_of_its_answers_may_be_apart() -> None:
    assert max(stage.timeout_seconds for stage in (DISCOVER, COLLECT, COMMIT)) <= AGREEMENT.total_seconds()
