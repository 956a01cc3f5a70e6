"""A deployed stack, with what every operator's command looks at it by: its clients, and the runs in its bucket."""

from dataclasses import dataclass

from patchlake.adapters.parquet import ParquetTables
from patchlake.bootstrap import Aws
from patchlake_cli.access.sessions import identify, open_session
from patchlake_cli.lake.run_reader import Runs
from patchlake_cli.operations.deployment import Deployment, read_deployment


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that can be looked at."""

    aws: Aws
    deployment: Deployment
    runs: Runs

    def parameter(self, name: str) -> str:
        """Return a parameter of the stack; empty where its version has none of that name."""
        return self.deployment.parameters.get(name, "")


def find_stack(name: str, profile: str | None) -> Stack:
    """Find a stack with the user's own credentials, profile and region; AWS's clock is known from then on.

    Raises:
        CommandError: no credentials, no such stack there, or not one of patchlake's.
    """
    aws = Aws(open_session(profile))
    identify(aws.client("sts"))
    deployment = read_deployment(aws.client("cloudformation"), name, aws.session.region_name)
    return Stack(aws, deployment, Runs(deployment.store(aws), ParquetTables(), aws.clock))
