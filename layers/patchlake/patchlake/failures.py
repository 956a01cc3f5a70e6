"""The log lines of failed messages."""

from collections.abc import Iterable
from typing import Protocol

from patchlake.errors import NotReadyError, PatchlakeError, RetryableError


class Line(Protocol):
    """One level of a logger."""

    def __call__(self, msg: object, /, *, exc_info: BaseException | None) -> None:
        """Write one line."""
        ...


class Log(Protocol):
    """The levels of a logger that failures are written at."""

    @property
    def info(self) -> Line:
        """Waiting, which is not an error."""
        ...

    @property
    def warning(self) -> Line:
        """A transient failure."""
        ...

    @property
    def error(self) -> Line:
        """Anything else."""
        ...


def log_failures(failures: Iterable[tuple[object, BaseException | None, object]], log: Log) -> None:
    """Write one line for each failure, with a traceback unless patchlake raised the error on purpose.

    Args:
        failures: as Powertools' batch processor keeps them: type, error, traceback.
        log: the logger.
    """
    for _, error, _ in failures:
        match error:
            case NotReadyError():
                line = log.info
            case RetryableError():
                line = log.warning
            case _:
                line = log.error
        line(str(error), exc_info=None if isinstance(error, PatchlakeError) else error)
