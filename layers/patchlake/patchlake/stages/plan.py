"""The first stage: decide once what the run must cover, and start the others.

The watch message goes out first, so that commit still finishes a run whose plan crashed, or counts it as missed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from patchlake.core.keys import plan_key
from patchlake.core.messages import CommitMessage, DiscoverMessage
from patchlake.core.plan import Account, Plan, decode_plan, encode_plan, make_plan
from patchlake.core.run import run_at, run_id_of, utc_text
from patchlake.core.targets import ALL_ENABLED, AccountChoice, RegionChoice, chosen_units
from patchlake.errors import ConfigError, InputError, RetryableError
from patchlake.ports import Accounts, Clock, Queue, Store
from patchlake.sources.registry import Registry
from patchlake.stages.step import Step
from patchlake.stages.stored_objects import create_or_adopt
from patchlake.stages.stored_plan import is_published


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The settings of a plan, from the function's environment.

    Attributes:
        excluded_accounts: the ids of accounts that are left out.
        sources: the secondary sources that a run reads.
        detail_deadline_seconds: the longest time that the snapshot waits for them.
        max_lateness_seconds: the maximum age of a scheduled time; SSM keeps no history of older states.
    """

    accounts: AccountChoice
    excluded_accounts: tuple[str, ...]
    regions: RegionChoice
    batch_size: int
    deadline_seconds: int
    max_lateness_seconds: int
    include_sensitive_fields: bool
    sources: tuple[str, ...] = ()
    tag_keys: tuple[str, ...] = ()
    detail_deadline_seconds: int = 0


@dataclass(frozen=True, slots=True)
class PlanResult:
    """The result of a schedule's event: the targets are None if the run was published before."""

    run_id: str
    step: Step
    targets: int | None = None
    active_targets: int | None = None


@dataclass(frozen=True, slots=True)
class PlanStage:
    """The stage that turns a scheduled time into a plan, a watch message, and a discover message per target and source.

    Attributes:
        listing_queues: the queue of each listing source, by its name.
    """

    store: Store
    accounts: Accounts
    sources: Registry
    listing_queues: Mapping[str, Queue]
    commit_queue: Queue
    clock: Clock
    settings: PlanSettings

    def handle(self, event: object) -> PlanResult:
        """Plan the run of ``event["scheduled_time"]``.

        The same time again adopts the stored plan and re-sends its messages.

        Raises:
            ConfigError: every account is excluded, or the organizational units have none.
            InputError: no valid time, one in the future, or one older than ``max_lateness_seconds``.
            RetryableError: AWS could not answer for now; the event may be repeated.
            PermanentError: the accounts or regions cannot be listed.
        """
        run_id = run_id_of(event.get("scheduled_time") if isinstance(event, Mapping) else None)
        if is_published(self.store, run_id):
            return PlanResult(run_id, Step.LATE)
        self._require_current(run_id, self.clock.now())
        self.commit_queue.send([(CommitMessage(run_id=run_id).encode(), run_id)])
        plan, step = self._stored_plan(run_id)
        active = plan.active_targets()
        for source in (self.sources.nodes, *self.sources.listings(plan)):
            self.listing_queues[source.name].send(
                DiscoverMessage.of(run_id, target, source.name).grouped() for target in active
            )
        return PlanResult(run_id, step, len(plan.targets), len(active))

    def _require_current(self, run_id: str, now: datetime) -> None:
        scheduled = run_at(run_id)
        if scheduled > now:
            msg = f"run {run_id}: its scheduled time is in the future (it is {utc_text(now)})"
            raise InputError(msg)
        if now - scheduled > timedelta(seconds=self.settings.max_lateness_seconds):
            msg = (
                f"run {run_id}: its scheduled time is more than {self.settings.max_lateness_seconds} seconds ago; SSM "
                "keeps no history, so that state can no longer be collected"
            )
            raise InputError(msg)

    def _stored_plan(self, run_id: str) -> tuple[Plan, Step]:
        key = plan_key(run_id)
        body, step = self.store.get(key), Step.ADOPTED
        if body is None:
            new = self.new_plan(run_id)
            # The time of AWS's answers may have jumped since the event arrived.
            self._require_current(run_id, new.planned_at)
            body, step = create_or_adopt(self.store, key, encode_plan(new))
        return decode_plan(body, run_id), step

    def new_plan(self, run_id: str) -> Plan:
        """Return the plan of a run if it were decided now; nothing is stored.

        Raises:
            ConfigError: as ``handle``.
            RetryableError: AWS could not answer for now.
            PermanentError: the accounts or regions cannot be listed.
        """
        home_account_id = self.accounts.home_account_id()
        return make_plan(
            run_id,
            planned_at=self.clock.now(),
            deadline_seconds=self.settings.deadline_seconds,
            batch_size=self.settings.batch_size,
            include_sensitive_fields=self.settings.include_sensitive_fields,
            home_account_id=home_account_id,
            accounts=self._accounts(run_id, home_account_id),
            excluded_account_ids=self.settings.excluded_accounts,
            regions=self._regions(),
            sources=self.sources.planned(self.settings.sources),
            tag_keys=self.settings.tag_keys,
            detail_deadline_seconds=self.settings.detail_deadline_seconds,
        )

    def _accounts(self, run_id: str, home_account_id: str) -> Sequence[Account]:
        match self.settings.accounts:
            case "self":
                return [Account(home_account_id)]
            case "organization":
                return self._organization(run_id, home_account_id)
            case ids:
                return self._chosen(run_id, ids)

    def _regions(self) -> Sequence[str]:
        regions = self.settings.regions
        return self.accounts.enabled_regions() if regions == ALL_ENABLED else regions

    def _chosen(self, run_id: str, ids: tuple[str, ...]) -> Sequence[Account]:
        """Return the accounts of a list, and those of its organizational units.

        Of an account in both, AWS Organizations knows more: its name, and whether it is active.

        Raises:
            ConfigError: there is none.
        """
        units = chosen_units(ids)
        if not units:
            return [Account(account_id) for account_id in ids]
        accounts = {account_id: Account(account_id) for account_id in ids if account_id not in units}
        accounts |= {account.account_id: account for account in self.accounts.unit_accounts(units)}
        if not accounts:
            msg = (
                f"run {run_id}: there is no account in {', '.join(units)}, nor in the units below: expected at least "
                "one to cover"
            )
            raise ConfigError(msg)
        return list(accounts.values())

    def _organization(self, run_id: str, home_account_id: str) -> Sequence[Account]:
        """Return the accounts of the organization, of which our own is always one.

        Raises:
            RetryableError: it is not in the list, so others may be missing too.
        """
        accounts = self.accounts.organization_accounts()
        if accounts and home_account_id not in {account.account_id for account in accounts}:
            msg = (
                f"run {run_id}: the organization's list of {len(accounts):,} accounts lacks your own, "
                f"{home_account_id}, so others may be missing too. Retry in a minute; if the problem persists, "
                "give the accounts as a list, or look for an endpoint that answers in place of AWS Organizations"
            )
            raise RetryableError(msg)
        return accounts
