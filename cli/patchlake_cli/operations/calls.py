"""Errors of AWS calls, each in one line: a missing permission, throttling, a resource that does not exist."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from patchlake.adapters.aws_errors import AWS_ERRORS, AwsError, Cause, cause_of, code_of, status_of
from patchlake.errors import PatchlakeError
from patchlake_cli.exit_codes import CommandError


class AwsRefusedError(CommandError):
    """AWS refused a call, or could not be reached; ``code`` is the error code."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


@contextmanager
def asking(action: str, resource: str) -> Iterator[None]:
    """Turn any error of a call to AWS into an AwsRefusedError, which is a CommandError.

    Args:
        action: the IAM action that the call needs, as in a policy.
        resource: the resource of the call, in words.
    """
    try:
        yield
    except AWS_ERRORS as error:
        raise AwsRefusedError(explained(error, action, resource), code_of(error)) from error


def explained(error: AwsError, action: str, resource: str) -> str:
    """Return one line about a failed call: what it means, and what to do."""
    code, cause = code_of(error), cause_of(error)
    if cause is Cause.THROTTLED:
        return f"{resource}: AWS throttled {action} ({code}): retry in a minute"
    if cause is Cause.DENIED or status_of(error) == HTTPStatus.FORBIDDEN:
        return f"{resource}: access denied ({code}): your identity needs {action}"
    return f"{resource}: {action} failed: {error}"


@contextmanager
def reading_the_lake() -> Iterator[None]:
    """Turn any error of the store and the tables into a CommandError: its text says what is wrong and where."""
    try:
        yield
    except PatchlakeError as error:
        raise CommandError(str(error)) from error
