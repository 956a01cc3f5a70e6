"""The stack on this machine: its parameters, the callers that the member role trusts, and the account that refuses."""

from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack

CONCURRENCY = 2
"""Execution environments of each queue's function."""


def stack_parameters(settings: Settings) -> dict[str, str]:
    """Return the stack's parameters; time is compressed by these alone."""
    return {
        "Accounts": "organization",
        "Regions": ",".join(settings.region_list()),
        "RoleName": settings.role_name,
        "TickSeconds": "1",
        "RetrySeconds": "0",
    }


def trusted_callers(stack: DeployedStack) -> frozenset[str]:
    """Return the ARNs that templates/member-role.yaml trusts if it is deployed for this stack."""
    return frozenset({stack.outputs["DiscoverRoleArn"], stack.outputs["CollectRoleArn"]})


def refusing_accounts(settings: Settings) -> frozenset[str]:
    """Return the account whose role cannot be assumed, so that a run is PARTIAL as in real life: the last but home."""
    return frozenset(account.account_id for account in settings.account_list()[1:][-1:])
