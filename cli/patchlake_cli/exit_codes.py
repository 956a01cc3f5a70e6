"""The exit codes of the commands, and the error that ends a command with one line."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of all commands; ``demo`` exits with COMPLETE once it has run, even if a run is PARTIAL."""

    COMPLETE = 0
    """The command succeeded; of a run: every node and every target was read."""
    ERROR = 1
    USAGE = 2
    """The command line is invalid; nothing was done."""
    PARTIAL = 3
    """The command finished, but could not read everything; the output names what is missing."""
    INTERRUPTED = 130

    @classmethod
    def of_run(cls, status: str) -> "ExitCode":
        """Return the exit code of a run that was published with this status."""
        return cls.COMPLETE if status == "COMPLETE" else cls.PARTIAL


class CommandError(Exception):
    """An error that ends the command with one line on standard error."""

    def __init__(self, text: str, exit_code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(text)
        self.exit_code = exit_code
