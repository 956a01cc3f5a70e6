"""The user's AWS session: profile, credentials and region as the SDK finds them, and the caller's identity."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, UnknownRegionError

from patchlake.adapters.aws_errors import AWS_ERRORS, Cause, cause_of, passes
from patchlake.adapters.explanations import explained
from patchlake.adapters.session_credentials import renewing_credentials
from patchlake_cli.exit_codes import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sts import STSClient

_BAD_CREDENTIALS = frozenset({Cause.EXPIRED, Cause.NO_CREDENTIALS})


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
    """AWS does not accept the user's requests, as with credentials that have expired: only the user can change that."""


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
        with renewing_credentials():
            session.get_credentials()
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
        CommandError: STS could not answer for now, or does not name the caller.
    """
    try:
        caller: Mapping[str, Any] = client.get_caller_identity()
    except AWS_ERRORS as error:
        msg = f"cannot get your identity from AWS: {explained(error, 'sts:GetCallerIdentity')}"
        if not passes(error) or cause_of(error) in _BAD_CREDENTIALS:
            raise CredentialsError(msg) from error
        raise CommandError(msg) from error
    except ValueError as error:
        raise CommandError(f"the AWS settings of your environment or profile cannot be used: {error}") from error
    match caller:
        case {"Account": str(account_id), "Arn": str(arn)} if arn.startswith("arn:"):
            return Identity(account_id, arn)
    raise CommandError("cannot get your identity from AWS: the answer of GetCallerIdentity names no account")
