"""How a command ends when something that can be expected went wrong: one clear line, no traceback."""

from typing import IO, Any

import click


class CommandError(click.ClickException):
    """Ends the command with one line on standard error and exit code 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        click.echo(f"patchlake: {self.format_message()}", file=file, err=True)
