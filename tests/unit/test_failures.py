"""The log lines of failed messages."""

from dataclasses import dataclass, field
from functools import partial

import pytest

from patchlake.errors import (
    ConfigError,
    InputError,
    IntegrityError,
    NoPlanError,
    NotReadyError,
    PermanentError,
    RefusedError,
    RestartError,
    RetryableError,
)
from patchlake.failures import Line, log_failures


@dataclass
class Lines:
    """A logger that keeps what it is given: level, text, traceback."""

    written: list[tuple[str, object, BaseException | None]] = field(default_factory=list)

    @property
    def info(self) -> Line:
        return partial(self._write, "info")

    @property
    def warning(self) -> Line:
        return partial(self._write, "warning")

    @property
    def error(self) -> Line:
        return partial(self._write, "error")

    def _write(self, level: str, msg: object, /, *, exc_info: BaseException | None) -> None:
        self.written.append((level, msg, exc_info))


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (NotReadyError(), "info"),
        (NoPlanError(), "info"),
        (RetryableError(), "warning"),
        (RestartError(), "warning"),
        (ConfigError(), "error"),
        (InputError(), "error"),
        (IntegrityError(), "error"),
        (PermanentError(), "error"),
        (RefusedError("ACCESS_DENIED", "AccessDenied", ""), "error"),
        (ValueError(), "error"),
    ],
    ids=repr,
)
def test_waiting_is_no_error_and_a_retry_is_a_warning(error: Exception, level: str) -> None:
    log = Lines()

    log_failures([(type(error), error, None)], log)

    assert [(written, text) for written, text, _ in log.written] == [(level, str(error))]


def test_only_what_was_not_raised_on_purpose_has_a_traceback() -> None:
    surprise, expected = ValueError("surprise"), RetryableError("try again")
    log = Lines()

    log_failures([(ValueError, surprise, None), (RetryableError, expected, None)], log)

    assert [traceback for _, _, traceback in log.written] == [surprise, None]
