"""What the invariants look at: each thing that a handler does to the world, with the handler that does it."""

from dataclasses import dataclass

from patchlake.core.targets import Target
from patchlake.errors import PatchlakeError
from tests.simulation.oracle import Place
from tests.simulation.world import Invocation, Message, Stage


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

    queue: Stage
    message: Message
    by: Invocation


@dataclass(frozen=True, slots=True)
class Opened:
    """A target's API is gone for, from an account that is taken for the home account."""

    target: Target
    home_account_id: str
    by: Invocation


@dataclass(frozen=True, slots=True)
class Asked:
    """SSM is asked for the patch states of nodes."""

    target: Target
    instance_ids: tuple[str, ...]
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
class Rested:
    """Nothing is under way any more, and nothing will come."""


type Event = Wrote | Rewrote | Offered | Sent | Opened | Asked | Ended | Failed | Rested
