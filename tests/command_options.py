"""The options of the commands, from the command itself: a new one joins the tests by itself."""

from collections.abc import Iterator

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from patchlake_cli.main import app


def commands() -> dict[str, TyperCommand]:
    """Return the commands by their names."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return {name: command for name, command in sorted(group.commands.items()) if isinstance(command, TyperCommand)}


def options() -> Iterator[tuple[str, TyperOption]]:
    """Yield each option of each command, with the command's name."""
    for name, command in commands().items():
        for parameter in command.params:
            if isinstance(parameter, TyperOption) and parameter.name != "help":
                yield name, parameter
