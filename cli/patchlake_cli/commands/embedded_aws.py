"""``patchlake embedded-aws``: a deployed stack on this machine, on which to try the other commands."""

from typing import Annotated

import typer

from patchlake_cli.commands.options import FleetAccountsOption, FleetNodesOption, FleetRegionsOption, read_stack


def embedded_aws(
    *,
    nodes: FleetNodesOption = 5000,
    accounts: FleetAccountsOption = 3,
    regions: FleetRegionsOption = 2,
    stack: Annotated[
        str, typer.Option("--stack", "-s", parser=read_stack, metavar="STACK", help="Name of the stack.")
    ] = "patchlake",
) -> None:
    """Run an embedded AWS with a deployed stack, on this machine, until Ctrl-C.

    Prints the environment variables that connect the other commands to it: paste them into a second terminal. Its
    clock starts on 2026-11-01 at 06:00 UTC. It starts no runs on its own, and keeps nothing when it ends.

    Exit codes: 0 ended with Ctrl-C, 1 error.

    Example: patchlake embedded-aws --nodes 300
    """
    import sys
    from collections.abc import Mapping

    from patchlake_cli.embedded.aws.settings import Conditions, Settings
    from patchlake_cli.embedded.laptop_stack import refusing_accounts
    from patchlake_cli.embedded.served_stack import serve

    refusing = refusing_accounts(Settings(accounts=accounts))
    settings = Settings(
        nodes=nodes, accounts=accounts, regions=regions, conditions=Conditions(refused_accounts=refusing)
    )

    def show(variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            typer.echo(f"export {name}={value}")
        typer.echo(f"# Paste these lines into a second terminal. Then, for example: patchlake run --stack {stack}")
        sys.stdout.flush()

    serve(settings, stack, show)
