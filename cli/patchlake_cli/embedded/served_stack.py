"""A deployed stack on this machine, on which to try the commands, until Ctrl-C."""

import signal
from collections.abc import Callable, Mapping
from threading import Event

from patchlake_cli.embedded.aws.server import EmbeddedAws, start_server
from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.cloudformation.deploy import deploy
from patchlake_cli.embedded.lambda_.pipeline import running_pipeline
from patchlake_cli.embedded.laptop_stack import CONCURRENCY, stack_parameters, trusted_callers
from patchlake_cli.project_files import template_path


def serve(settings: Settings, stack: str, show: Callable[[Mapping[str, str]], None]) -> None:
    """Deploy template.yaml to an embedded AWS, and run its functions until Ctrl-C.

    The clock starts at the scheduled time of the fleet's first day and then keeps pace with the real one. Nothing is
    scheduled: ``patchlake run`` starts a run.

    Args:
        settings: the fleet and the accounts.
        stack: the name of the stack.
        show: gets the variables with which an SDK finds the embedded AWS, once the stack is deployed.
    """
    parameters = stack_parameters(settings) | {"AlarmEmail": "operators@example.com"}
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with template_path() as template, start_server(settings) as aws:
        deployed = deploy(template, aws.endpoint, stack_name=stack, parameters=parameters)
        aws.change(trusted_callers=trusted_callers(deployed))
        with running_pipeline(deployed, aws.endpoint, lambda *_: None, concurrency=CONCURRENCY):
            show(aws.endpoint.environment)
            _keep_time(aws, stopped)


def _keep_time(aws: EmbeddedAws, stopped: Event) -> None:
    """Move the simulated clock on with the real one, until ``stopped`` is set."""
    while not stopped.wait(1):
        aws.advance_clock(1)
