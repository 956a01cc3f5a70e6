"""The settings of an embedded AWS: fixed ones, and conditions that tests may change while it runs.

Both reach the server's process as JSON; an unknown name is an error there.
"""

from msgspec import Struct

from patchlake.core.ready_types import ready
from patchlake.core.targets import Target
from patchlake_cli.embedded.fleet.catalogue import Account, fleet_accounts, fleet_regions
from patchlake_cli.embedded.fleet.fleet import Fleet


class FaultRates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The frequency of each fault of SSM and EC2, as a share from 0 to 1.

    Attributes:
        throttling: of calls, first answered with ThrottlingException.
        internal_error: of calls, first answered with InternalServerError (500).
        truncated_body: of calls, first answered with status 200 and a body that breaks off.
        connection_reset: of calls whose connection is first closed without an answer.
        invalid_next_token: of chains of pages, one of whose first tokens is once refused.
    """

    throttling: float = 0.0
    internal_error: float = 0.0
    truncated_body: float = 0.0
    connection_reset: float = 0.0
    invalid_next_token: float = 0.0


NO_FAULTS = FaultRates()
USUAL_FAULTS = FaultRates(throttling=0.03, internal_error=0.03, truncated_body=0.03, invalid_next_token=0.25)


@ready
class Conditions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The conditions that may change while the embedded AWS runs.

    Attributes:
        faults: the rates of temporary failures of SSM and EC2.
        short_pages: share of the pages of SSM and EC2 that hold fewer rows than asked for.
        empty_pages: share of these pages that hold none, with a token for the next.
        latency_seconds: the time that SSM takes to answer, in addition to the work itself.
        refused_accounts: their roles cannot be assumed.
        trusted_callers: ARNs of the only roles that may assume the member role, as templates/member-role.yaml names
            them; None if it trusts every caller of the home account.
        denied_accounts: SSM and EC2 deny access to their role.
        suspended_accounts: Organizations lists them as SUSPENDED, and their role cannot be assumed; those that are not
            in the fleet are listed after it.
        disabled_regions: SSM and EC2 recognize no token there, in any account, or in one alone
            (``<account_id>.<region>``).
        broken_targets: ``<account_id>.<region>``, where every SSM call ends with InternalServerError.
        concurrent_executions: Lambda functions that the account may run at once, by its settings.
        vanished_nodes: ids that SSM no longer knows, whether listed before or not.
        information_answers: by node id, what DescribeInstanceInformation sends in place of its row, as raw JSON text.
        patch_state_answers: by node id, what DescribeInstancePatchStates sends in place of its row, as raw JSON text;
            also for a node that was never scanned.
        patch_answers: by node id, what DescribeInstancePatches sends in place of its rows, each as raw JSON text,
            whatever the filter.
        denied_actions: by account, the names of operations that its role may not call, as an older role.
        single_filter_values: SSM refuses a filter of DescribeInstancePatches with several values.
        rescanned: share of nodes on which missing patches are installed after their patch states were collected, and
            before their patches are.
    """

    faults: FaultRates = NO_FAULTS
    short_pages: float = 0.05
    empty_pages: float = 0.02
    latency_seconds: float = 0.0
    refused_accounts: frozenset[str] = frozenset()
    trusted_callers: frozenset[str] | None = None
    denied_accounts: frozenset[str] = frozenset()
    suspended_accounts: frozenset[str] = frozenset()
    disabled_regions: frozenset[str] = frozenset()
    broken_targets: frozenset[str] = frozenset()
    concurrent_executions: int = 1000
    vanished_nodes: frozenset[str] = frozenset()
    information_answers: dict[str, str] = {}
    patch_state_answers: dict[str, str] = {}
    patch_answers: dict[str, list[str]] = {}
    denied_actions: dict[str, frozenset[str]] = {}
    single_filter_values: bool = False
    rescanned: float = 0.0

    def disables(self, target: Target) -> bool:
        """Whether a region is not enabled in an account."""
        return not self.disabled_regions.isdisjoint({target.region, str(target)})


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings that stay as they are while the embedded AWS runs.

    Attributes:
        seed: the seed of everything random.
        nodes: the number of nodes in the fleet, over all targets.
        accounts: the number of accounts; the first is the home account, that of a caller without a role.
        regions: the number of regions; the first is the home region.
        days: the number of days of the fleet; the embedded AWS starts on the first.
        role_name: the name of the member role in each account.
        export_role_name: the name of another role there, which trusts every caller of the home account.
        external_id: the external id that their trust policies require, or None.
        conditions: the conditions at the start, and after a reset.
    """

    seed: int = 7
    nodes: int = 5000
    accounts: int = 3
    regions: int = 2
    days: int = 1
    role_name: str = "patchlake-member"
    export_role_name: str = "patchlake-export"
    external_id: str | None = None
    conditions: Conditions = Conditions()

    def account_list(self) -> tuple[Account, ...]:
        """Return the accounts of the organization, home account first."""
        return fleet_accounts(self.accounts)

    def region_list(self) -> tuple[str, ...]:
        """Return the regions that every account uses, home region first."""
        return fleet_regions(self.regions)

    def fleet(self) -> Fleet:
        """Make the fleet that SSM answers from."""
        return Fleet(
            seed=self.seed,
            nodes=self.nodes,
            accounts=self.account_list(),
            regions=self.region_list(),
            days=self.days,
        )
