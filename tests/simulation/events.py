"""The events that the invariants check: each act of a handler on the world, with the handler."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from patchlake.core.targets import Target
from patchlake.errors import PatchlakeError
from tests.simulation.builds import Build
from tests.simulation.invocations import Invocation, Message, QueueName, Stage
from tests.simulation.oracle import Place


@dataclass(frozen=True, slots=True)
class Wrote:
    """An object was created; ``place`` is what its key says that it is, None where it says nothing."""

    key: str
    place: Place | None
    by: Invocation


@dataclass(frozen=True, slots=True)
class Rewrote:
    """An object that existed was written again or deleted."""

    key: str
    by: Invocation


@dataclass(frozen=True, slots=True)
class Offered:
    """The store is asked to create an object, which may be there already."""

    key: str
    body: bytes
    by: Invocation


@dataclass(frozen=True, slots=True)
class Sent:
    """A message is sent."""

    queue: QueueName
    message: Message
    by: Invocation
    body: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """A received message is hidden for a while."""

    queue: QueueName
    by: Invocation


@dataclass(frozen=True, slots=True)
class Opened:
    """A target's API is gone for, from an account that is taken for the home account."""

    target: Target
    home_account_id: str
    by: Invocation


@dataclass(frozen=True, slots=True)
class Asked:
    """AWS is asked about nodes."""

    operation: str
    target: Target
    instance_ids: tuple[str, ...]
    by: Invocation


@dataclass(frozen=True, slots=True)
class Requested:
    """A service receives a call: its members, without those of the page, and the page's size; a listing has no ids."""

    operation: str
    instance_ids: tuple[str, ...]
    request: Mapping[str, Any]
    page_size: int
    by: Invocation


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """A worker goes for its target once more, with a fresh session."""

    by: Invocation


@dataclass(frozen=True, slots=True)
class Ended:
    """A handler returned, without an error."""

    result: object
    by: Invocation


@dataclass(frozen=True, slots=True)
class Failed:
    """A handler failed, by an error of ours."""

    error: PatchlakeError
    by: Invocation


@dataclass(frozen=True, slots=True)
class Waited:
    """A worker pauses because its target throttles or refuses, with so many seconds left."""

    seconds: float
    left: float
    by: Invocation


@dataclass(frozen=True, slots=True)
class Outlived:
    """A call is made by a handler that has ended."""

    call: str
    by: Invocation


@dataclass(frozen=True, slots=True)
class Answered:
    """A function answered for an event: what became of each of its messages, and what it told Lambda and CloudWatch.

    Attributes:
        results: what the stage returned for each message that it handled, by its id.
        received: the ids of its messages.
        failed: the ids that the function reported as failed.
        metrics: the sum of each metric.
        calls: how many calls reached SSM meanwhile.
        absorbed: how often the SDK repeated one that was throttled.
        build: of the function; None where it handled no message.
    """

    stage: Stage
    results: Mapping[str, object]
    received: frozenset[str]
    failed: frozenset[str]
    metrics: Mapping[str, float]
    calls: int
    absorbed: int
    build: Build | None


@dataclass(frozen=True, slots=True)
class Misread:
    """A body that is no answer was read as one."""

    body: bytes
    by: Invocation


@dataclass(frozen=True, slots=True)
class Hastened:
    """A worker begins a call of a chain, whatever time it has left.

    Attributes:
        left: the time that it has, where it must have looked just before; None where only what it was told counts.
    """

    by: Invocation
    left: float | None = None


@dataclass(frozen=True, slots=True)
class Hurried:
    """A worker asks a target that throttled it, and did not pause since."""

    by: Invocation


@dataclass(frozen=True, slots=True)
class Continued:
    """A chain of pages that never ends was read on: so many pages now."""

    pages: int
    by: Invocation


@dataclass(frozen=True, slots=True)
class Read:
    """A handler, or the API of a target, took a time from AWS's answers."""

    at: datetime
    by: Invocation


@dataclass(frozen=True, slots=True)
class Rested:
    """Nothing is in flight any longer, and nothing will come without a new act.

    Attributes:
        attended: whether an operator has done what docs/operations.md says.
    """

    attended: bool = False


type Event = (
    Wrote
    | Rewrote
    | Offered
    | Sent
    | Deferred
    | Opened
    | Asked
    | Requested
    | AskedAgain
    | Ended
    | Failed
    | Waited
    | Hastened
    | Hurried
    | Misread
    | Outlived
    | Answered
    | Continued
    | Read
    | Rested
)
