"""A deployed stack with its clients and the runs in its bucket, as the operators' commands use it."""

from dataclasses import dataclass

from patchlake.adapters.parquet import ParquetTables
from patchlake.bootstrap import Aws
from patchlake.config import whole_number_from
from patchlake_cli.access.sessions import identify, open_session
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.run_reader import Runs
from patchlake_cli.operations.deployment import Deployment, Home, read_deployment


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack, ready to be read."""

    aws: Aws
    deployment: Deployment
    runs: Runs

    def parameter(self, name: str) -> str:
        """Return a parameter of the stack; empty if its version has no such parameter."""
        return self.deployment.parameters.get(name, "")

    def number(self, name: str, least: int = 0, most: int = 999_999_999) -> int:
        """Return a parameter of the stack that is a whole number.

        Raises:
            CommandError: it is not a whole number, is not within these bounds, or is absent.
        """
        text, variable = self.parameter(name), whole_number_from(least, most)
        number: int | None = variable.value(text)
        if number is None:
            raise CommandError(
                f"the parameter {name} of stack {self.deployment.stack} is {text!r}: expected {variable.expected}"
            )
        return number


def find_stack(name: str, profile: str | None, region: str | None) -> Stack:
    """Find a stack with the user's credentials, profile and region; this also sets the clock.

    Raises:
        CommandError: there are no credentials, there is no such stack, or it is not a patchlake stack.
    """
    aws = Aws(open_session(profile, region, region_option="--region"))
    caller = identify(aws.sts)
    home = Home(caller.partition, caller.account_id, aws.session.region_name)
    deployment = read_deployment(aws.client("cloudformation"), name, home)
    return Stack(aws, deployment, Runs(deployment.store(aws), ParquetTables(), aws.clock))
