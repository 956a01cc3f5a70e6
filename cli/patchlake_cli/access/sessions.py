"""The user's AWS session: profile, credentials and region as the SDK finds them, and the caller's identity."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import (
    BotoCoreError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
    UnknownRegionError,
)

from patchlake.adapters.aws_errors import AWS_ERRORS, AwsError, status_of
from patchlake_cli.exit_codes import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sts import STSClient

_NO_LONGER_GOOD = (CredentialRetrievalError, PartialCredentialsError, RuntimeError, SSOError, TokenRetrievalError)
_FIRST_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of the caller."""

    account_id: str
    arn: str

    @property
    def partition(self) -> str:
        """The partition of AWS that the account is in."""
        return self.arn.split(":")[1]


class CredentialsError(CommandError):
    """There are no credentials, or AWS no longer accepts them: only the user can change that."""


REGION_OPTION = ", or use --regions"
"""The advice that a command with ``--regions`` adds where no region is set."""


def open_session(profile: str | None = None, *, region: str | None = None, region_option: str = "") -> boto3.Session:
    """Open a session with a profile, or with the credentials that the SDK finds.

    Args:
        profile: a name in the SDK's configuration files.
        region: the region of the session if neither a variable nor the profile sets one.
        region_option: advice for the case that there is no region.

    Raises:
        CommandError: there is no such profile, or no region that the SDK knows.
    """
    try:
        session = boto3.Session(profile_name=profile)
        if session.region_name:
            # Raises for a region of no partition, whose endpoints have no address.
            session.get_partition_for_region(session.region_name)
        elif region is None:
            fixes = f"set AWS_DEFAULT_REGION, or a region in the profile that --profile selects{region_option}"
            raise CommandError(f"no region is set: {fixes}")
        else:
            session = boto3.Session(profile_name=profile, region_name=region)
        # The SDK reads all other settings when it makes a client; it raises ValueError for some bad ones.
        session.client("sts")
    except UnknownRegionError as error:
        raise CommandError(f"the region of your AWS session cannot be used: {error}") from error
    except (BotoCoreError, ValueError) as error:
        raise CommandError(f"the AWS settings of your environment or profile cannot be used: {error}") from error
    return session


def identify(client: "STSClient") -> Identity:
    """Ask STS for the caller's identity; that needs no permission.

    Raises:
        CredentialsError: there are no credentials, or they are not accepted; the text says what to do.
        CommandError: STS cannot be reached, or does not name the caller.
    """
    try:
        caller: Mapping[str, Any] = client.get_caller_identity()
    except AWS_ERRORS as error:
        raise _explained(error) from error
    except ValueError as error:
        raise CommandError(f"the AWS settings of your environment or profile cannot be used: {error}") from error
    match caller:
        case {"Account": str(account_id), "Arn": str(arn)} if arn.startswith("arn:"):
            return Identity(account_id, arn)
    raise CommandError("cannot get your identity from AWS: the answer of GetCallerIdentity names no account")


def _explained(error: AwsError) -> CommandError:
    if isinstance(error, NoCredentialsError):
        return CredentialsError("no AWS credentials found: run `aws configure`, or select a profile with --profile")
    status = status_of(error)
    if isinstance(error, _NO_LONGER_GOOD) or (status is not None and status < _FIRST_SERVER_ERROR):
        return CredentialsError(
            f"AWS does not accept the credentials: {error}. Renew them, or select another --profile"
        )
    return CommandError(f"cannot get your identity from AWS: {error}")
