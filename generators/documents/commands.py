"""``docs/cli.md``: the help of every command, as ``--help`` prints it."""

from typer.main import get_command

from generators import ROOT
from patchlake_cli.main import app

PATH = ROOT / "docs" / "cli.md"
WIDTH = 100

_HEAD = """\
# Commands

The output of `patchlake COMMAND --help`. `make generate` writes this page: to change it, change the commands.

All commands use these exit codes: 0 success, 1 error (with one line on standard error), 2 invalid command line, 3
finished, but something could not be read or a check found a problem, 130 interrupted with Ctrl-C. With
`--allow-partial`, `query`, `report` and `export` exit with 0 instead of 3. Output in a pipe, or with `NO_COLOR`, has no
colors.
`patchlake --install-completion` sets up completion in your shell.
"""


def commands_page() -> str:
    """Return the page: every command in the order in which ``patchlake --help`` lists them, in plain text."""
    group = get_command(app)
    parent = group.make_context("patchlake", [], resilient_parsing=True, terminal_width=WIDTH, max_content_width=WIDTH)
    sections = [_HEAD]
    for name, command in getattr(group, "commands", {}).items():
        context = command.make_context(name, [], parent=parent, resilient_parsing=True)
        sections.append(f"## patchlake {name}\n\n```\n{context.get_help().strip()}\n```\n")
    return "\n".join(sections)
