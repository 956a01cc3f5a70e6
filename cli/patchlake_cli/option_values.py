"""The values of options: their parsers, and one style of sentence about a value that is not valid.

It is the style of the functions' variables: ``--days is '0': expected a whole number from 1 to 60``.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from patchlake.core.repeatable import repeatable

if TYPE_CHECKING:
    from patchlake.config import Variable


class OptionError(typer.BadParameter):
    """An option that the command cannot accept; the text is a sentence that begins with the option."""

    def __init__(self, problem: str, option: str | None = None) -> None:
        """Take the rest of the sentence; where a parser raises the error, typer knows the option."""
        super().__init__(problem, param_hint=option)

    def format_message(self) -> str:
        """Return the sentence; a value that came from a variable is called by the variable."""
        source = self.ctx.get_parameter_source(self.param.name or "") if self.ctx and self.param else None
        if self.param and source and source.name == "ENVIRONMENT":
            return f"{self.param.envvar} {self.message}"
        option = self.param_hint or (self.param.opts[0] if self.param else "an option")
        return f"{option} {self.message}"


def wrong_value(value: object, expected: str, option: str | None = None) -> OptionError:
    """Return the error about a value that is not valid."""
    return OptionError(f"is {repeatable(str(value))!r}: expected {expected}", option)


def read_as(variable: "Variable", value: object, option: str | None = None) -> Any:  # noqa: ANN401  # each has its own
    """Read an option as the functions read a variable.

    Raises:
        OptionError: the value does not have the form of the variable.
    """
    parsed = variable.value(str(value))
    if parsed is None:
        raise wrong_value(value, variable.expected, option)
    return parsed


def whole_number(sentence: str, least: int, most: int) -> Any:  # noqa: ANN401  # as typer.Option
    """Return the option of a whole number; its help is a sentence without its full stop, and the bounds."""

    def read(value: object) -> int:
        # Not at the top: a command's help parses no value.
        from patchlake.config import whole_number_from  # noqa: PLC0415

        number: int = read_as(whole_number_from(least, most), value)
        return number

    return typer.Option(parser=read, metavar="N", help=f"{sentence} ({least} to {most}).")


def path(sentence: str, *options: str) -> Any:  # noqa: ANN401  # as typer.Option
    """Return the option of a path; an empty text, such as a variable that is not set, is not a path."""
    return typer.Option(*options, parser=_read_path, metavar="PATH", help=sentence)


def file_path(sentence: str, *options: str) -> Any:  # noqa: ANN401  # as typer.Option
    """Return the option of the path of a file."""
    return typer.Option(*options, parser=read_file_path, metavar="PATH", help=sentence)


def _read_path(value: object, option: str | None = None) -> Path:
    if value == "":
        raise wrong_value(value, "a path; a dot is the current folder", option)
    if "\n" in str(value):
        raise wrong_value(value, "a path on one line", option)
    if "://" in str(value):
        raise wrong_value(value, "a path on this machine, not an address", option)
    return Path(str(value))


def read_file_path(value: object, option: str | None = None) -> Path:
    """Read the path of a file.

    Raises:
        OptionError: it is no path, or one of a folder by its end, which a ``Path`` drops.
    """
    path = _read_path(value, option)
    if str(value).endswith(("/", "/.")):
        raise wrong_value(value, "a file", option)
    return path


def choice(sentence: str, values: Iterable[str], *options: str) -> Any:  # noqa: ANN401  # as typer.Option
    """Return the option of one of several texts."""
    known = tuple(values)

    def read(value: object) -> str:
        if value not in known:
            raise wrong_value(value, f"{', '.join(known[:-1])} or {known[-1]}")
        return str(value)

    return typer.Option(*options, parser=read, metavar="|".join(known), help=sentence)
