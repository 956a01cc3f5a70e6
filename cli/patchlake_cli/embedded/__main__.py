"""``python -m patchlake_cli.embedded``: a deployed stack on which to try the operators' commands, until Ctrl-C.

Prints the variables with which an SDK finds it. Its clock starts at the scheduled time of the fleet's first day and
then keeps pace with the real one. Nothing is scheduled: ``patchlake run`` starts a run.
"""

import signal
import sys
from threading import Event
from typing import Annotated

import typer

from patchlake_cli.embedded.aws.server import EmbeddedAws, start_server
from patchlake_cli.embedded.aws.settings import Conditions, Settings
from patchlake_cli.embedded.cloudformation.deploy import deploy
from patchlake_cli.embedded.lambda_.pipeline import running_pipeline
from patchlake_cli.embedded.laptop_stack import CONCURRENCY, refusing_accounts, stack_parameters, trusted_callers
from patchlake_cli.option_values import whole_number
from patchlake_cli.project_files import template_path


def serve(
    *,
    stack: Annotated[str, typer.Option(help="Name of the stack.")] = "patchlake",
    nodes: Annotated[int, whole_number("Managed nodes in the simulated fleet", 1, 1_000_000)] = 5000,
    accounts: Annotated[int, whole_number("Accounts; the last of several refuses access", 1, 100)] = 3,
    regions: Annotated[int, whole_number("Regions in every account", 1, 10)] = 2,
) -> None:
    """Deploy template.yaml to an embedded AWS and run its functions until Ctrl-C."""
    refusing = refusing_accounts(Settings(accounts=accounts))
    settings = Settings(
        nodes=nodes, accounts=accounts, regions=regions, conditions=Conditions(refused_accounts=refusing)
    )
    parameters = stack_parameters(settings) | {"AlarmEmail": "operators@example.com"}
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with template_path() as template, start_server(settings) as aws:
        deployed = deploy(template, aws.endpoint, stack_name=stack, parameters=parameters)
        aws.change(trusted_callers=trusted_callers(deployed))
        with running_pipeline(deployed, aws.endpoint, lambda *_: None, concurrency=CONCURRENCY):
            for name, value in aws.endpoint.environment.items():
                typer.echo(f"export {name}={value}")
            typer.echo(f"# patchlake run --stack {stack}")
            sys.stdout.flush()
            _keep_time(aws, stopped)


def _keep_time(aws: EmbeddedAws, stopped: Event) -> None:
    """Move the simulated clock on with the real one, until ``stopped`` is set."""
    while not stopped.wait(1):
        aws.advance_clock(1)


if __name__ == "__main__":
    typer.run(serve)
