"""Where the commands print."""

from rich.console import Console

PLAIN_WIDTH = 110


def output_console() -> Console:
    """Return standard output; where it is no terminal, nobody can make it wider, so it is wide enough."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)
