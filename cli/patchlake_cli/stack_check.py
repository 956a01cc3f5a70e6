"""``patchlake check --stack``: the usual misconfigurations of a deployed stack, each with its fix."""

from patchlake_cli.failure import CommandError, ExitCode


def check_stack(stack: str, *, profile: str | None, as_json: bool) -> ExitCode:  # noqa: ARG001
    """Check a deployed stack, by its name.

    Raises:
        CommandError: there is no such stack.
    """
    raise CommandError(f"stack {stack}: `patchlake check --stack` is not there yet")
