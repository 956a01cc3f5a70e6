"""The commands as typer makes them, but with errors and lists in this program's own style."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from patchlake.core.repeatable import repeatable
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.option_values import OptionError
from patchlake_cli.similar_names import suggested

# ruff: noqa: ANN401  # the classes of typer's contexts, commands and errors are private


class Command(TyperCommand):
    """One command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line.

        Raises:
            OptionError: it has an option or a text that the command does not know, has an option twice, or lacks a
                value.
        """
        # So that surplus arguments arrive here.
        ctx.allow_extra_args = True
        with _in_our_style(self, ctx):
            if not ctx.resilient_parsing:
                self._require_once(ctx, args)
            rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            takes = "only options" if {*self.params} <= {*_options(self).values()} else "one argument, in quotes"
            raise _usage_error(f"is not expected: {self.name} takes {takes}", repr(repeatable(rest[0])), ctx)
        return rest

    def _require_once(self, ctx: Any, args: list[str]) -> None:
        """Refuse an option that is given twice: of its two values, one would be ignored."""
        *_, order = self.make_parser(ctx).parse_args([*args])
        for option, times in Counter(order).items():
            if times > 1 and isinstance(option, TyperOption) and not option.multiple and not option.is_eager:
                raise _usage_error("is given more than once: write it once", option.opts[0], ctx)

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002  # the list of commands wraps at the terminal's width
        """Return the first sentence of the help, whole."""
        return super().get_short_help_str(len(self.help or ""))


class Group(TyperGroup):
    """The program, of which each command is a part."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options before the name of the command; without any word, print the help.

        Raises:
            OptionError: it has an option that the program does not know.
        """
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            raise typer.Exit(ExitCode.USAGE)
        with _in_our_style(self, ctx):
            return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command.

        Raises:
            OptionError: there is no such command.
        """
        found = super().get_command(ctx, cmd_name)
        if found is None and not ctx.resilient_parsing:
            raise _usage_error(f"is not a command{suggested(cmd_name, self.commands)}", repr(cmd_name), ctx)
        return found


@contextmanager
def _in_our_style(command: Command | Group, context: Any) -> Iterator[None]:
    try:
        yield
    except TyperException as error:
        problem: Any = error
        match problem:
            case object(option_name=str(name), possibilities=_):
                text = f"is not an option of {command.name}{suggested(name, _options(command))}"
            case object(option_name=str(name)):
                option = _options(command)[name]
                text = "takes no value" if option.is_flag else f"has no value: write {name} {option.metavar}"
            case object(param=TyperOption() as option, param_type=_):
                name = option.opts[0]
                variable = f", or set {option.envvar}" if option.envvar else ""
                text = f"is missing: write {name} {option.metavar}{variable}"
            case _:
                raise
        raise _usage_error(text, name, context) from error


def _usage_error(problem: str, subject: str, context: Any) -> OptionError:
    error = OptionError(problem, subject)
    error.ctx = context
    return error


def _options(command: Command | Group) -> dict[str, TyperOption]:
    """Return the options of a command by each of their names."""
    found = (parameter for parameter in command.params if isinstance(parameter, TyperOption))
    return {name: option for option in found for name in (*option.opts, *option.secondary_opts)}
