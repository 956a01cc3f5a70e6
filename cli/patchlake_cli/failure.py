"""How a command ends when something that can be expected went wrong: one clear line, no traceback."""


class CommandError(Exception):
    """Ends the command with one line on standard error and exit code 1."""
