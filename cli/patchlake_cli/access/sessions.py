"""The user's AWS session: profile, credentials and region as the SDK finds them, and the caller's identity."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, UnknownRegionError

from patchlake.adapters.aws_errors import AWS_ERRORS, Cause, cause_of, passes
from patchlake.adapters.explanations import explained
from patchlake.adapters.session_credentials import renewing_credentials
from patchlake_cli.aws_session import new_session
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


def open_session(
    profile: str | None = None, region: str | None = None, *, default_region: str | None = None, region_option: str
) -> boto3.Session:
    """Open a session with a profile, or with the credentials that the SDK finds.

    Args:
        profile: a name in the SDK's configuration files.
        region: the region, in place of the one that a variable or the profile sets.
        default_region: the region if nothing sets one.
        region_option: the option of the command with which the user can set one.

    Raises:
        CommandError: there is no such profile, or no region that the SDK knows.
    """
    try:
        session = new_session(profile, region)
        if session.region_name:
            # Raises for a region of no partition, whose endpoints have no address.
            session.get_partition_for_region(session.region_name)
        elif default_region is None:
            fixes = f"use {region_option}, or set AWS_REGION, or a region in the profile that --profile selects"
            raise CommandError(f"no region is set: {fixes}")
        else:
            session = new_session(profile, default_region)
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
