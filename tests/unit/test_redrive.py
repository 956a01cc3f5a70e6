"""Dead letters go back to their queue: none is lost or changed, even if the mover is killed at any moment."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake_cli.exit_codes import CommandError
from patchlake_cli.operations.dead_letters import NOT_RECEIVED, DeadLetter, Moved, Sent, move
from patchlake_cli.operations.failed_events import FailedEvent, Fate, read_event, settle

type Content = tuple[str, str | None]


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Fakes:
    """Both queues, and the number of half-calls before a kill: one half before and one after each effect."""

    dead: dict[str, Content]
    queue: list[Content] = field(default_factory=list)
    steps: int | None = None
    refused: frozenset[str] = frozenset()
    hidden: set[str] = field(default_factory=set)
    undeletable: frozenset[str] = frozenset()

    def _step(self) -> None:
        if self.steps is not None:
            self.steps -= 1
            if self.steps < 0:
                raise Killed

    def count(self) -> int:
        return len(self.dead)

    def receive(self, most: int) -> list[DeadLetter]:
        self._step()
        visible = sorted(self.dead.keys() - self.hidden)[:most]
        self.hidden |= set(visible)
        self._step()
        return [DeadLetter(name, *self.dead[name], f"receipt of {name}") for name in visible]

    def send(self, letters: Sequence[DeadLetter]) -> Sent:
        self._step()
        taken = [letter for letter in letters if letter.body not in self.refused]
        self.queue += [(letter.body, letter.group) for letter in taken]
        self._step()
        return Sent(taken, frozenset() if len(taken) == len(letters) else frozenset({"InvalidMessageContents"}))

    def delete(self, letters: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
        self._step()
        deleted = [letter for letter in letters if letter.id not in self.undeletable]
        for letter in deleted:
            del self.dead[letter.id]
        self._step()
        return deleted

    def release(self, letters: Sequence[DeadLetter]) -> None:
        self._step()
        self.hidden -= {letter.id for letter in letters}


CONTENTS = st.lists(st.tuples(st.text(), st.none() | st.text(min_size=1)), max_size=25)


def fakes(contents: Sequence[Content], **settings: object) -> Fakes:
    return Fakes({f"{number:02}": content for number, content in enumerate(contents)}, **settings)  # type: ignore[arg-type]


@given(contents=CONTENTS, steps=st.integers(0, 40))
def test_no_message_is_lost_or_changed_whenever_it_is_killed(contents: list[Content], steps: int) -> None:
    world = fakes(contents, steps=steps)

    try:
        move(world, world)
    except Killed:
        world.hidden.clear()

    assert {*world.dead.values(), *world.queue} == set(contents)
    assert len(world.dead) + len(world.queue) >= len(contents)


@given(contents=CONTENTS, steps=st.integers(0, 40))
def test_the_next_time_moves_what_a_kill_left(contents: list[Content], steps: int) -> None:
    world = fakes(contents, steps=steps)
    try:
        move(world, world)
    except Killed:
        world.hidden.clear()
    world.steps = None

    move(world, world)

    assert not world.dead
    assert set(world.queue) == set(contents)


def test_all_are_moved_with_their_groups_in_calls_of_ten() -> None:
    contents: list[Content] = [(f"body {number}", "111122223333.eu-central-1") for number in range(23)]
    world = fakes(contents)

    assert move(world, world) == Moved(23, 23)
    assert world.queue == contents


def test_a_move_says_how_far_it_is_at_the_start_and_after_each_call() -> None:
    world = fakes([("a", None)] * 23)
    said: list[Moved] = []

    move(world, world, said.append)

    assert said == [Moved(23, 0), Moved(23, 10), Moved(23, 20), Moved(23, 23)]


def test_what_arrives_meanwhile_stays_for_the_next_time() -> None:
    world = fakes([("body", None)])
    send = world.send

    def send_and_fail_again(letters: Sequence[DeadLetter]) -> Sent:
        world.dead["new"] = ("body", None)
        return send(letters)

    world.send = send_and_fail_again  # type: ignore[method-assign]

    assert move(world, world) == Moved(1, 1)
    assert list(world.dead) == ["new"]


def test_a_message_that_is_not_taken_stays_and_costs_no_other_one() -> None:
    world = fakes([("good", None), ("refused", None), *[("later", None)] * 20], refused=frozenset({"refused"}))

    moved = move(world, world)

    assert moved == Moved(22, 21, "the queue did not accept 1 (InvalidMessageContents)")
    assert [content[0] for content in world.dead.values()] == ["refused"]
    assert not world.hidden & world.dead.keys()


def test_a_queue_that_takes_nothing_is_asked_once() -> None:
    world = fakes([("refused", None)] * 30, refused=frozenset({"refused"}))

    moved = move(world, world)

    assert moved == Moved(30, 0, "the queue did not accept 10 (InvalidMessageContents)")
    assert not world.hidden


def test_a_call_that_fails_half_way_ends_the_move_and_what_went_before_counts() -> None:
    world = fakes([("body", None)] * 25)
    send = world.send

    def send_twice(letters: Sequence[DeadLetter]) -> Sent:
        if len(world.queue) == 20:
            raise CommandError("sqs:SendMessage failed")
        return send(letters)

    world.send = send_twice  # type: ignore[method-assign]

    moved = move(world, world)

    assert (moved, moved.left) == (Moved(25, 20, "sqs:SendMessage failed"), 5)
    assert (len(world.dead), len(world.queue)) == (5, 20)


def test_a_message_that_somebody_else_has_received_is_left() -> None:
    world = fakes([("body", None), ("elsewhere", None)], hidden={"01"})

    moved = move(world, world)

    assert (moved, moved.left) == (Moved(2, 1, f"1 of 2 not received: {NOT_RECEIVED}"), 1)


def test_every_reason_why_messages_are_left_is_named() -> None:
    world = fakes(
        [("good", None), ("stuck", None), ("refused", None), ("elsewhere", None)],
        refused=frozenset({"refused"}),
        undeletable=frozenset({"01"}),
        hidden={"03"},
    )

    moved = move(world, world)

    assert moved == Moved(
        4,
        1,
        "the queue did not accept 1 (InvalidMessageContents); SQS did not delete 1 of those sent; "
        f"1 of 4 not received: {NOT_RECEIVED}",
    )


def test_a_call_that_fails_hides_no_earlier_problem() -> None:
    world = fakes([("refused", None)] + [("body", None)] * 12, refused=frozenset({"refused"}))
    send = world.send

    def send_once(letters: Sequence[DeadLetter]) -> Sent:
        if world.queue:
            raise CommandError("sqs:SendMessage failed")
        return send(letters)

    world.send = send_once  # type: ignore[method-assign]

    assert move(world, world) == Moved(
        13, 9, "sqs:SendMessage failed; the queue did not accept 1 (InvalidMessageContents)"
    )


def test_a_message_that_arrives_twice_counts_once() -> None:
    world = fakes([("body", None), ("elsewhere", None)], hidden={"01"})
    receive = world.receive
    world.receive = lambda most: receive(most) * 2  # type: ignore[method-assign]

    moved = move(world, world)

    assert (moved, moved.left) == (Moved(2, 1, f"1 of 2 not received: {NOT_RECEIVED}"), 1)
    assert world.queue == [("body", None)]


def test_a_queue_that_counts_too_few_is_emptied_of_what_it_hands_out() -> None:
    world = fakes([("body", None)] * 3)
    world.count = lambda: 1  # type: ignore[method-assign]
    receive = world.receive
    world.receive = lambda most: receive(most + 2)  # type: ignore[method-assign]

    assert move(world, world) == Moved(3, 3)


def test_a_message_that_is_sent_and_not_deleted_is_left() -> None:
    world = fakes([("good", None), ("stuck", None)], undeletable=frozenset({"01"}))

    moved = move(world, world)

    assert (moved, moved.left) == (Moved(2, 1, "SQS did not delete 1 of those sent"), 1)


PLANNED = "20261101T060000Z"


def planned(run_id: str) -> bool:
    return run_id == PLANNED


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"scheduled_time": "2026-11-01T06:00:00Z"}, FailedEvent(Fate.SETTLED, PLANNED, None)),
        ({"scheduled_time": "2026-11-02T06:00:00Z"}, FailedEvent(Fate.START_AGAIN, "20261102T060000Z", None)),
        (
            {
                "requestPayload": {"scheduled_time": "2026-11-02T06:00:00Z"},
                "responsePayload": {"errorMessage": "the accounts cannot be listed"},
            },
            FailedEvent(Fate.START_AGAIN, "20261102T060000Z", "the accounts cannot be listed"),
        ),
        ({"requestPayload": {"other": 1}, "responsePayload": None}, FailedEvent(Fate.UNKNOWN, None, None)),
        ({"scheduled_time": "soon"}, FailedEvent(Fate.UNKNOWN, None, None)),
        (["not", "an", "event"], FailedEvent(Fate.UNKNOWN, None, None)),
    ],
)
def test_a_failed_event_is_read_as_scheduler_and_as_lambda_leave_it(body: object, expected: FailedEvent) -> None:
    assert read_event(DeadLetter("1", json.dumps(body), None, "receipt"), planned) == expected


@pytest.mark.parametrize(
    "body", ["<html>", "[" * 100_000, "9" * 5_000, '{"scheduled_time": ' + "9" * 5_000 + "}", '{"a": "\\ud800"}']
)
def test_a_failed_event_that_cannot_be_read_is_nobodys(body: str) -> None:
    assert read_event(DeadLetter("1", body, None, "receipt"), planned).fate is Fate.UNKNOWN


def test_only_the_events_of_planned_runs_are_deleted() -> None:
    bodies = [json.dumps({"scheduled_time": f"2026-11-{day:02}T06:00:00Z"}) for day in range(1, 15)]
    world = fakes([(body, None) for body in bodies])

    settled = settle(world, planned)

    assert settled.problem is None
    assert [event.fate for event in settled.events] == [Fate.SETTLED] + [Fate.START_AGAIN] * 13
    assert [body for body, _ in world.dead.values()] == bodies[1:]
    assert not world.hidden & world.dead.keys()
    assert world.queue == []


def test_a_failed_event_that_is_not_deleted_is_told_from_one_that_is() -> None:
    body = json.dumps({"scheduled_time": "2026-11-01T06:00:00Z"})
    world = fakes([(body, None)] * 2, undeletable=frozenset({"01"}))

    assert [event.fate for event in settle(world, planned).events] == [Fate.SETTLED, Fate.NOT_DELETED]


@pytest.mark.parametrize("hidden", [["00"], ["00", "01"]])
def test_a_failed_event_that_somebody_else_has_received_is_a_problem(hidden: list[str]) -> None:
    body = json.dumps({"scheduled_time": "2026-11-01T06:00:00Z"})
    world = fakes([(body, None)] * 2, hidden=set(hidden))

    assert settle(world, planned).problem == f"{len(hidden)} of 2 failed events: {NOT_RECEIVED}"


def test_a_call_that_fails_costs_no_failed_event_of_the_others() -> None:
    body = json.dumps({"scheduled_time": "2026-11-01T06:00:00Z"})
    world = fakes([(body, None)] * 12, hidden={"11"})
    delete = world.delete

    def delete_once(letters: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
        if len(world.dead) < 12:
            raise CommandError("sqs:DeleteMessage failed")
        return delete(letters)

    world.delete = delete_once  # type: ignore[method-assign]

    settled = settle(world, planned)

    assert [event.fate for event in settled.events] == [Fate.SETTLED] * 10 + [Fate.NOT_DELETED]
    assert settled.problem == f"sqs:DeleteMessage failed; 1 of 12 failed events: {NOT_RECEIVED}"


def test_failed_events_that_were_received_are_settled_though_the_next_call_fails() -> None:
    body = json.dumps({"scheduled_time": "2026-11-01T06:00:00Z"})
    world = fakes([(body, None)] * 12)
    receive = world.receive

    def receive_once(most: int) -> list[DeadLetter]:
        if world.hidden:
            raise CommandError("sqs:ReceiveMessage failed")
        return receive(most)

    world.receive = receive_once  # type: ignore[method-assign]

    settled = settle(world, planned)

    assert ([event.fate for event in settled.events], settled.problem) == (
        [Fate.SETTLED] * 10,
        "sqs:ReceiveMessage failed",
    )
