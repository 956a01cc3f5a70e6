"""The ends of a command: its exit codes, and the one clear line about an error that can be expected."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of all commands; ``demo`` ends with COMPLETE whenever it has shown what it is for."""

    COMPLETE = 0
    """Done; of a run: every node and every target was read."""
    ERROR = 1
    USAGE = 2
    """The command line is wrong; nothing was done."""
    PARTIAL = 3
    """Done, but something could not be read: it is named in what was printed."""
    INTERRUPTED = 130

    @classmethod
    def of_run(cls, status: str) -> "ExitCode":
        """Return the exit code of a run that was published with this status."""
        return cls.COMPLETE if status == "COMPLETE" else cls.PARTIAL


class CommandError(Exception):
    """Ends the command with one line on standard error."""

    def __init__(self, text: str, exit_code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(text)
        self.exit_code = exit_code
