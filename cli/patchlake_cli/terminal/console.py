"""The consoles that the commands print to, and the name to type for this one."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Span, Text

from patchlake_cli.visible_text import visible, visible_lines

PLAIN_WIDTH = 110


class DataConsole(Console):
    """A console for text that others chose: it has no markup, and no control sequence of its own."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  # those of Console
        """Take the options of ``Console``."""
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401  # those of Console
        """Return a text to print."""
        return super().render_str(visible_lines(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render anything that can be printed."""
        return super().render(visible_text(renderable) if isinstance(renderable, Text) else renderable, options)


def visible_text(text: Text, *, breaks: bool = True) -> Text:
    """Escape a text that has styles; line breaks only without ``breaks``."""

    def is_hidden(character: str) -> bool:
        return not character.isprintable() and not (breaks and character == "\n")

    places = [place for place, character in enumerate(text.plain) if is_hidden(character)]
    if not places:
        return text
    pieces = text.divide([border for place in places for border in (place, place + 1)])
    return text.blank_copy().join(_escaped(piece) if any(map(is_hidden, piece.plain)) else piece for piece in pieces)


def output_console() -> Console:
    """Return a console on standard output; where that is not a terminal, with a fixed width."""
    console = DataConsole()
    return console if console.is_terminal else DataConsole(width=PLAIN_WIDTH)


def error_console() -> Console:
    """Return a console on standard error."""
    return DataConsole(stderr=True)


def warn(sentence: str) -> None:
    """Print a sentence without its full stop on standard error."""
    typer.echo(f"patchlake: {visible(sentence)}.", err=True)


def _escaped(character: Text) -> Text:
    shown = visible(character.plain)
    return Text(shown, character.style, spans=[Span(0, len(shown), span.style) for span in character.spans])


def own_name() -> str:
    """Return the name to type for this command: as short as the search path and the working folder allow."""
    called = Path(sys.argv[0]).absolute()
    if shutil.which(called.name) == str(called):
        return called.name
    relative = os.path.relpath(called)
    return str(called) if relative.startswith(os.pardir) else relative
