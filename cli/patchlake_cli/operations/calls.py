"""Refusals of AWS, each in one line for an operator: a missing permission, throttling, something that is not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from patchlake.adapters.aws_errors import AWS_ERRORS, DENIED_CODES, THROTTLING_CODES, AwsError, code_of, status_of
from patchlake.errors import PatchlakeError
from patchlake_cli.exit_codes import CommandError


class AwsRefusedError(CommandError):
    """AWS refused a call, or could not be asked; ``code`` is its error code."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


@contextmanager
def asking(action: str, resource: str) -> Iterator[None]:
    """Turn whatever a call of AWS raises into an AwsRefusedError, which is a CommandError.

    Args:
        action: the IAM action that the call needs, as in a policy.
        resource: what is asked about, for people.
    """
    try:
        yield
    except AWS_ERRORS as error:
        raise AwsRefusedError(explained(error, action, resource), code_of(error)) from error


def explained(error: AwsError, action: str, resource: str) -> str:
    """Tell in one line what a failed call means, and what to do."""
    code = code_of(error)
    if code in THROTTLING_CODES:
        return f"{resource}: AWS throttles {action} ({code}): try again in a minute"
    if code in DENIED_CODES or status_of(error) == HTTPStatus.FORBIDDEN:
        return f"{resource}: access denied ({code}): whoever runs this needs {action}"
    return f"{resource}: {action} failed: {error}"


@contextmanager
def reading_the_lake() -> Iterator[None]:
    """Turn whatever the store and the tables raise into a CommandError: their texts say what is wrong and where."""
    try:
        yield
    except PatchlakeError as error:
        raise CommandError(str(error)) from error
