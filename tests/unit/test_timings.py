"""The rules for every duration of the protocol, and the order in which lost messages are sent again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.core.timings import (
    CALL,
    COLLECT,
    COMMIT,
    DISCOVER,
    PERMANENT_FROM_RECEIVE,
    RESEND_LIMIT,
    RESERVE_SECONDS,
    CallTiming,
    QueueTiming,
    ResendWindow,
    is_missed,
    plan_wait_seconds,
    resend_window,
    retry_seconds,
    throttle_pause_seconds,
)

EVERY_STAGE = pytest.mark.parametrize("stage", [DISCOVER, COLLECT, COMMIT], ids=["discover", "collect", "commit"])
VISIBILITY = 720
TICK = 60
DAY = 86_400


@EVERY_STAGE
def test_a_message_stays_hidden_for_longer_than_its_handler_can_run(stage: QueueTiming) -> None:
    assert stage.visibility_seconds >= stage.timeout_seconds + 60
    if stage.timeout_seconds <= 120:
        assert stage.visibility_seconds >= 6 * stage.timeout_seconds


@EVERY_STAGE
def test_no_handler_outlives_lambda(stage: QueueTiming) -> None:
    assert stage.timeout_seconds <= 900


def test_the_longest_call_is_never_answered_at_any_attempt() -> None:
    assert CallTiming(1, 5, 15).longest_seconds == 20
    assert CallTiming(3, 5, 15).longest_seconds == 3 * 20 + (1 + 5) + (2 + 5)


@pytest.mark.parametrize("stage", [DISCOVER, COLLECT], ids=["discover", "collect"])
def test_a_worker_that_stops_in_time_can_still_wait_for_an_answer_and_store_what_it_has(stage: QueueTiming) -> None:
    assert 2 * CALL.longest_seconds <= RESERVE_SECONDS <= stage.timeout_seconds / 5


@EVERY_STAGE
def test_a_lasting_refusal_is_recorded_before_its_message_is_a_dead_letter(stage: QueueTiming) -> None:
    assert stage.max_receive_count > PERMANENT_FROM_RECEIVE


def test_workers_may_be_patient_and_the_watch_message_has_a_thousand_receives() -> None:
    assert DISCOVER.timeout_seconds == COLLECT.timeout_seconds == 900
    assert COMMIT.max_receive_count == 1000


@given(chance=st.floats(0, 1, exclude_max=True))
def test_a_failed_message_stays_away_for_30_to_120_seconds(chance: float) -> None:
    assert 30 <= retry_seconds(30, chance) <= 120


@given(pauses=st.integers(0, 100), chance=st.floats(0, 1, exclude_max=True))
def test_a_throttled_worker_pauses_for_longer_each_time_up_to_a_limit(pauses: int, chance: float) -> None:
    assert throttle_pause_seconds(pauses, chance) <= throttle_pause_seconds(pauses + 1, chance) < 24


def test_the_pause_of_a_throttled_worker_spreads_with_chance() -> None:
    assert [throttle_pause_seconds(pauses, 0.5) for pauses in range(6)] == [1, 2, 4, 8, 16, 16]
    assert [throttle_pause_seconds(2, chance) for chance in (0, 0.25, 0.75)] == [2, 3, 5]


def test_the_pause_of_a_failed_message_spreads_with_chance() -> None:
    assert [retry_seconds(30, chance) for chance in (0, 0.5, 0.999)] == [30, 75, 120]
    assert retry_seconds(0, 0.9) == 0


def test_nothing_is_sent_again_before_its_visibility_is_over() -> None:
    for seconds in (-3600, 0, VISIBILITY - 1):
        assert resend_window(timedelta(seconds=seconds), VISIBILITY, TICK) == ResendWindow(0, 0)


@pytest.mark.parametrize("began", [VISIBILITY, 2 * VISIBILITY, 4 * VISIBILITY, 8 * VISIBILITY])
def test_a_round_begins_at_1_2_4_times_the_visibility_with_the_first_message(began: int) -> None:
    ticks = [resend_window(timedelta(seconds=began + tick * TICK), VISIBILITY, TICK) for tick in range(3)]

    assert ticks == [ResendWindow(0, 500), ResendWindow(0, 1000), ResendWindow(500, 1500)]


@given(seconds=st.integers(0, 7 * DAY), visibility=st.integers(1, 1000), tick=st.integers(1, 900))
def test_at_most_a_thousand_messages_are_due_in_one_tick(seconds: int, visibility: int, tick: int) -> None:
    due = resend_window(timedelta(seconds=seconds), visibility, tick)

    assert 0 <= due.end - due.first <= RESEND_LIMIT


@given(
    first_look=st.integers(0, 2 * TICK - 1),
    gaps=st.lists(st.integers(1, 2 * TICK), min_size=2 * 4 * VISIBILITY // TICK, max_size=2 * 4 * VISIBILITY // TICK),
    round_number=st.integers(0, 3),
)
def test_a_tick_that_comes_up_to_a_tick_late_skips_no_message(
    first_look: int, gaps: list[int], round_number: int
) -> None:
    began = VISIBILITY * 2**round_number
    looks = [first_look]
    for gap in gaps:
        if looks[-1] + gap < began:
            looks.append(looks[-1] + gap)

    due = [resend_window(timedelta(seconds=began + look), VISIBILITY, TICK) for look in looks]

    reached = 0
    for window in due:
        assert window.first <= reached
        reached = max(reached, window.end)


def test_a_round_of_discover_reaches_the_messages_of_five_thousand_targets() -> None:
    seconds = range(DISCOVER.visibility_seconds, 2 * DISCOVER.visibility_seconds, TICK)

    assert max(resend_window(timedelta(seconds=s), DISCOVER.visibility_seconds, TICK).end for s in seconds) >= 5000


@pytest.mark.parametrize(("age", "missed"), [(100_799, False), (100_800, True), (-60, False)])
def test_a_run_is_missed_when_no_plan_of_it_could_reach_its_deadline_any_more(age: int, *, missed: bool) -> None:
    at = datetime(2026, 11, 1, 6, tzinfo=UTC)

    assert is_missed(at, at + timedelta(seconds=age), DAY, 14_400) is missed


@pytest.mark.parametrize("year", [1, 9999])
def test_a_run_at_the_end_of_time_is_missed_or_not_like_any_other(year: int) -> None:
    now = datetime(2026, 11, 1, 6, tzinfo=UTC)
    at = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)

    assert is_missed(at, now, DAY, 14_400) is (year == 1)


def test_a_plan_is_waited_for_tick_by_tick_at_first_and_for_an_hour_at_most() -> None:
    assert [plan_wait_seconds(TICK, receive) for receive in (1, 2, 10, 60, 999)] == [60, 120, 600, 3600, 3600]


@given(tick=st.integers(60, 900), wait=st.integers(60, DAY + 30_000))
def test_a_run_without_a_plan_is_missed_before_its_watch_message_is_a_dead_letter(tick: int, wait: int) -> None:
    waited = receive = 0
    while waited < wait:
        receive += 1
        waited += plan_wait_seconds(tick, receive)

    assert receive < COMMIT.max_receive_count / 2
