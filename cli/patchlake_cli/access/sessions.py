"""The user's own AWS session: profiles, credentials and regions as the SDK finds them, and who that makes us."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import (
    BotoCoreError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from patchlake.adapters.aws_errors import AWS_ERRORS, AwsError, status_of
from patchlake_cli.exit_codes import CommandError

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

_NO_LONGER_GOOD = (CredentialRetrievalError, PartialCredentialsError, SSOError, TokenRetrievalError)
_FIRST_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose credentials we have."""

    account_id: str
    arn: str

    @property
    def partition(self) -> str:
        """The partition of AWS that the account is in."""
        return self.arn.split(":")[1]


class CredentialsError(CommandError):
    """There are no credentials, or they are not accepted (any more): only the user can change that."""


def open_session(profile: str | None = None, *, region: str | None = None) -> boto3.Session:
    """Open a session with a profile, or with what the SDK finds by itself.

    Args:
        profile: by its name in the SDK's configuration files.
        region: where the session is at home if neither a variable nor the profile says so.

    Raises:
        CommandError: there is no such profile, or no region.
    """
    try:
        session = boto3.Session(profile_name=profile)
        home = session.region_name or region
        if home is None:
            raise CommandError(
                "no region is set: set AWS_DEFAULT_REGION, or a region in the profile, or give --regions"
            )
        return session if session.region_name else boto3.Session(profile_name=profile, region_name=home)
    except BotoCoreError as error:
        raise CommandError(f"the AWS profile cannot be used: {error}") from error


def identify(client: "STSClient") -> Identity:
    """Ask STS who we are; that needs no permission.

    Raises:
        CredentialsError: there are no credentials, or they are not accepted; says what to do.
        CommandError: STS cannot be reached.
    """
    try:
        caller = client.get_caller_identity()
    except AWS_ERRORS as error:
        raise _explained(error) from error
    return Identity(caller["Account"], caller["Arn"])


def _explained(error: AwsError) -> CommandError:
    if isinstance(error, NoCredentialsError):
        return CredentialsError("no AWS credentials found: run `aws configure`, or name a profile with --profile")
    status = status_of(error)
    if isinstance(error, _NO_LONGER_GOOD) or (status is not None and status < _FIRST_SERVER_ERROR):
        return CredentialsError(f"the AWS credentials are not accepted: {error}. Renew them, or name another --profile")
    return CommandError(f"AWS cannot be asked who we are: {error}")
