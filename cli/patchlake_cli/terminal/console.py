"""The console that the commands print to, and the name to type for this one."""

import os
import shutil
import sys
from pathlib import Path

from rich.console import Console

PLAIN_WIDTH = 110


def output_console() -> Console:
    """Return a console on standard output; where that is not a terminal, with a fixed width."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def own_name() -> str:
    """Return the name to type for this command: as short as the search path and the working folder allow."""
    called = Path(sys.argv[0]).absolute()
    if shutil.which(called.name) == str(called):
        return called.name
    relative = os.path.relpath(called)
    return str(called) if relative.startswith(os.pardir) else relative
