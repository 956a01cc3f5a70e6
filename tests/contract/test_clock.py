"""The contract of every Clock."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from patchlake.adapters.clock import ServiceClock
from patchlake.adapters.memory import MemoryClock
from patchlake.ports import Clock
from tests.http_stub import Answer, http_stub

if TYPE_CHECKING:
    import boto3

ANSWER = b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"
AT = datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC)


class Simulated:
    """A clock, and the time that AWS shows."""

    clock: Clock
    show: Callable[[datetime], None]


def _memory(_: pytest.FixtureRequest) -> Iterator[Simulated]:
    made, memory = Simulated(), MemoryClock(AT)
    made.clock = memory
    made.show = lambda at: setattr(memory, "at", at)
    yield made


def _service(request: pytest.FixtureRequest) -> Iterator[Simulated]:
    session: boto3.Session = request.getfixturevalue("aws_session")
    with http_stub() as stub:
        client = session.client("sts", endpoint_url=stub.url)
        clock = ServiceClock(client.get_caller_identity)
        clock.watch(client)
        made = Simulated()
        made.clock = clock

        def show(at: datetime) -> None:
            stub.answer_in_turn(Answer(200, ANSWER, {"Date": format_datetime(at.astimezone(UTC), usegmt=True)}))
            client.get_caller_identity()

        made.show = show
        show(AT)
        yield made


@pytest.fixture(params=[_memory, _service], ids=lambda make: str(make.__name__).strip("_"))
def simulated(request: pytest.FixtureRequest) -> Iterator[Simulated]:
    yield from request.param(request)


def test_the_time_is_aware_and_in_whole_seconds(simulated: Simulated) -> None:
    simulated.show(AT + timedelta(seconds=1, microseconds=999_999))

    assert simulated.clock.now() == AT + timedelta(seconds=1)
    assert simulated.clock.now().tzinfo is UTC


@pytest.mark.parametrize("moved", [timedelta(seconds=1), timedelta(days=40), timedelta(days=-40)], ids=str)
def test_the_time_is_the_one_that_aws_shows_however_far_it_has_moved(simulated: Simulated, moved: timedelta) -> None:
    before = simulated.clock.now()

    simulated.show(AT + moved)

    assert (before, simulated.clock.now()) == (AT, AT + moved)


def test_an_invocation_begins_with_the_time_unchanged(simulated: Simulated) -> None:
    simulated.clock.begin()

    assert simulated.clock.now() == AT
