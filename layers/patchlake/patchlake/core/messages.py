"""The three messages: claim checks that name the work and decide nothing.

Role, bucket, settings and node ids come from the environment, the plan and the shard. A message with any other member
is refused. Messages about the root sources do not name their source.
"""

from typing import Annotated, Final, Literal, Self

import msgspec
from msgspec import Meta, Struct, field

from patchlake.core.keys import MAX_BATCHES, ROOT_DETAIL, ROOT_LISTING
from patchlake.core.plan import BATCH_SIZES, AccountId, Region, RunId, SourceName
from patchlake.core.ready_types import ready
from patchlake.core.run import run_at
from patchlake.core.targets import Target
from patchlake.errors import InputError

VERSION: Final = 1


class _Message(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    # A message may lack its version, but is always sent with it: msgspec does not omit a default from a factory.
    v: Literal[1] = field(default_factory=lambda: VERSION)
    run_id: RunId

    @classmethod
    def decode(cls, body: str) -> Self:
        """Read a message's body.

        Raises:
            InputError: not JSON, an unknown version, a missing, malformed or unknown member.
        """
        try:
            message = msgspec.json.decode(body, type=cls)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            msg = f"the message is not a {cls.__name__} of version {VERSION}: {error}"
            raise InputError(msg) from error
        run_at(message.run_id)
        return message

    def encode(self) -> str:
        """Write the message's body."""
        return msgspec.json.encode(self).decode()


class _TargetMessage(_Message, frozen=True, forbid_unknown_fields=True, kw_only=True):
    account_id: AccountId
    region: Region

    @property
    def target(self) -> Target:
        """The target."""
        return Target(self.account_id, self.region)

    def grouped(self) -> tuple[str, str]:
        """Return the body and its group: the target, so that a slow target does not delay the others."""
        return self.encode(), str(self.target)


@ready
class DiscoverMessage(_TargetMessage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """List one target with one listing source."""

    source: SourceName = ROOT_LISTING

    @classmethod
    def of(cls, run_id: str, target: Target, source: str = ROOT_LISTING) -> Self:
        """Name a target of a run."""
        return cls(run_id=run_id, account_id=target.account_id, region=target.region, source=source)


@ready
class CollectMessage(_TargetMessage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Collect one part of a detail source: a batch of the ``nodes`` shard, or a slice of the batch."""

    batch: Annotated[int, Meta(ge=0, lt=MAX_BATCHES)]
    source: SourceName = ROOT_DETAIL
    slice: Annotated[int, Meta(ge=0, lt=BATCH_SIZES[1])] = 0

    def __post_init__(self) -> None:
        """Refuse a slice of the root detail: its parts are whole batches."""
        if self.slice and self.source == ROOT_DETAIL:
            msg = f"a part of {ROOT_DETAIL} has no slice"
            raise ValueError(msg)

    @classmethod
    def of(cls, run_id: str, target: Target, batch: int, source: str = ROOT_DETAIL, slice_: int = 0) -> Self:
        """Name a part of a target of a run."""
        account_id, region = target
        return cls(run_id=run_id, account_id=account_id, region=region, batch=batch, source=source, slice=slice_)


@ready
class CommitMessage(_Message, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Watch a run until its snapshot is published."""
