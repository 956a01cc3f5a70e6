"""The plan: the targets of a run, decided once and never changed.

The first plan to finish writes ``plans/<run_id>.json``; every later stage reads targets, batch size and deadline only
from that object.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from math import ceil
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from patchlake.core.keys import MAX_BATCHES, MAX_PARTS, ROOT_DETAIL, ROOT_LISTING, plan_key
from patchlake.core.ready_types import ready
from patchlake.core.run import RUN_ID_PATTERN, milliseconds, run_at
from patchlake.core.targets import ACCOUNT_ID_PATTERN, REGION_PATTERN, RunTarget, Target
from patchlake.errors import ConfigError, InputError, IntegrityError, RetryableError

SCHEMA_VERSION: Final = 1

AccountId = Annotated[str, Meta(pattern=ACCOUNT_ID_PATTERN)]
Region = Annotated[str, Meta(pattern=REGION_PATTERN)]
RunId = Annotated[str, Meta(pattern=RUN_ID_PATTERN)]
SourceName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,30}\Z")]
BATCH_SIZES: Final = (1, 10_000)
"""The smallest and the largest batch size of a plan; ``template.yaml`` allows an operator a narrower range."""
BatchSize = Annotated[int, Meta(ge=BATCH_SIZES[0], le=BATCH_SIZES[1])]
Time = Annotated[datetime, Meta(tz=True)]
TAG_KEY_PATTERN = r"^[^*?\\,\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]{1,128}\Z"
"""The pattern of an allowed tag key: EC2 reads ``*``, ``?`` and a backslash in filters as wildcards. A character
that is not visible comes from copied text, and no tag has such a key."""
TagKey = Annotated[str, Meta(pattern=TAG_KEY_PATTERN)]
MOST_TAG_KEYS: Final = 50
"""The largest number of allowed tag keys: as many as a resource can have tags."""


class Account(Struct, frozen=True):
    """An account that the run covers; ``name`` is known only through AWS Organizations."""

    account_id: AccountId
    name: str | None = None
    active: bool = True


class PlannedTarget(Struct, frozen=True):
    """A target of the plan; if its account is not active, it is reported but not read."""

    account_id: AccountId
    region: Region
    account_name: str | None
    active: bool

    @property
    def target(self) -> Target:
        """The target without its plan's attributes."""
        return Target(self.account_id, self.region)


class PlannedSource(Struct, frozen=True, omit_defaults=True):
    """A secondary source that the run reads.

    Attributes:
        nodes_per_part: of a detail source: the nodes of one slice of a batch.
        asks_version: of a detail source: the version of the rule that selects the nodes it asks about.
    """

    name: SourceName
    nodes_per_part: BatchSize | None = None
    asks_version: Annotated[int, Meta(ge=1)] | None = None


@ready
class Plan(Struct, frozen=True, omit_defaults=True):
    """Everything that one run must cover, its deadlines, and every setting that names keys or selects ids.

    Attributes:
        home_account_id: the account that patchlake runs in; every other account is read through a role.
        targets: sorted by account and region, each once.
        excluded_account_ids: accounts that were left out on purpose, sorted, each once, whether or not they exist. They
            are in no table; only this list names them. Absent from the JSON if there are none.
        sources: the secondary sources, parents before children. Absent from the JSON if there are none, as are the two
            attributes below.
        tag_keys: the only tag keys that may be requested and stored.
        detail_deadline_at: the time from which missing objects of the secondary sources are closed; never after
            ``deadline_at``.
    """

    schema_version: Literal[1]
    run_id: RunId
    planned_at: Time
    deadline_at: Time
    batch_size: BatchSize
    include_sensitive_fields: bool
    home_account_id: AccountId
    targets: tuple[PlannedTarget, ...]
    excluded_account_ids: tuple[AccountId, ...] = ()
    sources: tuple[PlannedSource, ...] = ()
    tag_keys: tuple[TagKey, ...] = ()
    detail_deadline_at: Time | None = None

    def __post_init__(self) -> None:
        """Refuse targets that are out of order or repeated: a snapshot has its rows in their order, each node once."""
        if any(first.target >= second.target for first, second in pairwise(self.targets)):
            msg = "the targets are not in ascending order, each once"
            raise ValueError(msg)
        if both := {planned.account_id for planned in self.targets} & {*self.excluded_account_ids}:
            msg = f"account {min(both)} is excluded and has targets"
            raise ValueError(msg)
        if bool(self.sources) != (self.detail_deadline_at is not None):
            msg = "a plan has a detail_deadline_at if it has sources, and only then"
            raise ValueError(msg)
        if self.detail_deadline_at is not None and self.detail_deadline_at > self.deadline_at:
            msg = "detail_deadline_at is after deadline_at"
            raise ValueError(msg)
        if roots := {ROOT_LISTING, ROOT_DETAIL} & {source.name for source in self.sources}:
            msg = f"{min(roots)} is not a secondary source"
            raise ValueError(msg)
        if len({source.name for source in self.sources}) < len(self.sources):
            msg = "a source is named twice"
            raise ValueError(msg)

    @property
    def run_at(self) -> datetime:
        """The scheduled time of the run."""
        return run_at(self.run_id)

    @property
    def closes_details_at(self) -> datetime:
        """The time from which missing objects of the secondary sources are closed."""
        return self.detail_deadline_at or self.deadline_at

    def closes_at(self, source: str) -> datetime:
        """Return the time from which missing objects of a source are closed: its workers do nothing more."""
        return self.deadline_at if self.planned_source(source) is None else self.closes_details_at

    @property
    def max_batches(self) -> int:
        """The largest number of batches of one target with a key for every part."""
        slices = max((self.slices_per_batch(source.name) for source in self.sources), default=1)
        return min(MAX_BATCHES, MAX_PARTS // slices)

    @property
    def most_nodes(self) -> int:
        """The largest number of nodes of one target."""
        return self.max_batches * self.batch_size

    def planned_source(self, name: str) -> PlannedSource | None:
        """Return a secondary source as the plan names it; None if the run does not read it."""
        return next((source for source in self.sources if source.name == name), None)

    def nodes_per_part(self, source: str) -> int:
        """Return the largest number of nodes in one part of a detail source."""
        planned = self.planned_source(source)
        return self.batch_size if planned is None or planned.nodes_per_part is None else planned.nodes_per_part

    def slices_per_batch(self, source: str) -> int:
        """Return the number of slices of a full batch for a detail source."""
        return ceil(self.batch_size / self.nodes_per_part(source))

    def slices(self, source: str, nodes: int) -> range:
        """Return the numbers of the slices of a batch of ``nodes`` nodes."""
        return range(ceil(nodes / self.nodes_per_part(source)))

    def part_number(self, source: str, batch: int, slice_: int = 0) -> int:
        """Return the number in the key of a part: slices start again in each batch."""
        return batch * self.slices_per_batch(source) + slice_

    def run_target(self, target: Target) -> RunTarget:
        """Return the first columns of a target's rows."""
        return RunTarget(self.run_id, milliseconds(self.run_at), target)

    def active_targets(self) -> list[Target]:
        """Return the targets that must be read, in order."""
        return [planned.target for planned in self.targets if planned.active]

    def require(self, target: Target) -> None:
        """Accept only a target that the plan names and that is active.

        Raises:
            InputError: any other.
        """
        account_id, region = target
        named = (each for each in self.targets if each.account_id == account_id and each.region == region)
        if not any(planned.active for planned in named):
            msg = f"run {self.run_id}: its plan names no active target {target}, so the message is refused"
            raise InputError(msg)


def make_plan(  # noqa: PLR0913
    run_id: str,
    *,
    planned_at: datetime,
    deadline_seconds: int,
    batch_size: int,
    include_sensitive_fields: bool,
    home_account_id: str,
    accounts: Iterable[Account],
    regions: Sequence[str],
    excluded_account_ids: Iterable[str] = (),
    sources: Iterable[PlannedSource] = (),
    tag_keys: Iterable[str] = (),
    detail_deadline_seconds: int = 0,
) -> Plan:
    """Decide a run: every region of every account that is not excluded, each target once, sorted.

    The home account is active, whatever its list says: its credentials work.

    Raises:
        ConfigError: every account is excluded.
        RetryableError: there is no account. An organization has at least one, so its list was not complete.
    """
    accounts = tuple(accounts)
    if not accounts:
        msg = f"run {run_id}: there is no account to cover: expected at least the organization's management account"
        raise RetryableError(msg)
    excluded = sorted(set(excluded_account_ids))
    targets = {
        Target(account.account_id, region): PlannedTarget(
            account.account_id, region, account.name, account.active or account.account_id == home_account_id
        )
        for account in accounts
        if account.account_id not in excluded
        for region in regions
    }
    if excluded and not targets:
        msg = f"run {run_id}: every account is excluded ({', '.join(excluded)}): expected at least one to cover"
        raise ConfigError(msg)
    sources = tuple(sources)
    planned_at = planned_at.astimezone(UTC)
    closing_seconds = min(detail_deadline_seconds, deadline_seconds)
    return Plan(
        schema_version=SCHEMA_VERSION,
        run_id=run_id,
        planned_at=planned_at,
        deadline_at=planned_at + timedelta(seconds=deadline_seconds),
        batch_size=batch_size,
        include_sensitive_fields=include_sensitive_fields,
        home_account_id=home_account_id,
        targets=tuple(targets[target] for target in sorted(targets)),
        excluded_account_ids=tuple(excluded),
        sources=sources,
        tag_keys=tuple(sorted(set(tag_keys))) if sources else (),
        detail_deadline_at=planned_at + timedelta(seconds=closing_seconds) if sources else None,
    )


def encode_plan(plan: Plan) -> bytes:
    """Write a plan as JSON that people can read; equal plans give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2)


@lru_cache(maxsize=4)
def decode_plan(body: bytes, run_id: str) -> Plan:
    """Read the stored plan of ``run_id``; members added by a later version are ignored.

    Every message of a run needs the plan, and it never changes, so the last few are cached.

    Raises:
        IntegrityError: it is not a plan, not this version's, or another run's.
    """
    try:
        plan = msgspec.json.decode(body, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"run {run_id}: {plan_key(run_id)} is not a plan of schema version {SCHEMA_VERSION}: {error}"
        raise IntegrityError(msg) from error
    if plan.run_id != run_id:
        msg = f"run {run_id}: {plan_key(run_id)} is the plan of run {plan.run_id}"
        raise IntegrityError(msg)
    return plan


def plan_sha256(body: bytes) -> str:
    """Return the checksum of a stored plan, as a snapshot's footer has it."""
    return hashlib.sha256(body).hexdigest()
