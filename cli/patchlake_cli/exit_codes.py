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
    """The command finished, but could not read everything; the output names what is missing.

    ``--allow-partial`` of ``query``, ``report`` and ``export`` makes it 0.
    """
    INTERRUPTED = 130

    @classmethod
    def of_run(cls, status: str, *, allow_partial: bool = False) -> "ExitCode":
        """Return the exit code of a run that was published with this status."""
        return cls.of_answer(is_whole=status == "COMPLETE", allow_partial=allow_partial)

    @classmethod
    def of_answer(cls, *, is_whole: bool, allow_partial: bool) -> "ExitCode":
        """Return the exit code of an answer; the user may accept one that is not whole."""
        return cls.COMPLETE if is_whole or allow_partial else cls.PARTIAL


class CommandError(Exception):
    """An error that ends the command with one line on standard error."""

    def __init__(self, text: str, exit_code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(text)
        self.exit_code = exit_code
