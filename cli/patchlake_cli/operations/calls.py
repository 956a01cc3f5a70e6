"""Errors of AWS calls, each in one line: a missing permission, throttling, a resource that does not exist."""

from collections.abc import Iterator
from contextlib import contextmanager

from patchlake.adapters.aws_errors import AWS_ERRORS, AwsError, code_of
from patchlake.adapters.explanations import explained
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
        raise AwsRefusedError(failure(error, action, resource), code_of(error)) from error


def failure(error: AwsError, action: str, resource: str) -> str:
    """Return one line about a failed call: what it means, and what to do."""
    return f"{resource}: {action} failed: {explained(error, action)}"


@contextmanager
def reading_the_lake() -> Iterator[None]:
    """Turn any error of the store and the tables into a CommandError: its text says what is wrong and where."""
    try:
        yield
    except PatchlakeError as error:
        raise CommandError(str(error)) from error
