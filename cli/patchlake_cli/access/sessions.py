"""The user's AWS session: profile, credentials and region as the SDK finds them, and the caller's identity."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, UnknownRegionError

from patchlake.adapters.addresses import require_addresses, require_proxy
from patchlake.adapters.aws_errors import AWS_ERRORS, Cause, cause_of, passes
from patchlake.adapters.explanations import explained
from patchlake.adapters.session_credentials import renewing_credentials
from patchlake.adapters.sts import account_of_arn
from patchlake_cli.aws_session import new_session, settings_problem
from patchlake_cli.exit_codes import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sts import STSClient

_INSTANCE_METADATA = "http://169.254.169.254"
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
        ConfigError: a setting cannot be used, such as the address of the endpoint or of the proxy.
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
        with renewing_credentials():
            session.get_credentials()
        # The SDK reads all other settings when it makes a client.
        require_addresses("sts", session.client("sts").meta.endpoint_url)
    except UnknownRegionError as error:
        given: Any = error.kwargs
        fixes = f"correct {region_option}, AWS_REGION, or the region of your profile"
        raise CommandError(f"no partition of AWS has a region {given['region_name']!r}: {fixes}") from error
    except (BotoCoreError, ValueError) as error:
        # The SDK says something else about a proxy between this machine and the service that has its credentials.
        require_proxy(_INSTANCE_METADATA)
        raise CommandError(settings_problem(error)) from error
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
        raise CommandError(settings_problem(error)) from error
    match caller:
        case {"Account": str(account_id), "Arn": str(arn)} if account_of_arn(arn) == account_id:
            return Identity(account_id, arn)
    raise CommandError(
        "cannot get your identity from AWS: the answer of GetCallerIdentity does not name one account and its ARN"
    )


class Caller:
    """The caller, whose account must stay the same while a command runs."""

    def __init__(self, client: "STSClient") -> None:
        """Ask with a client."""
        self._client = client
        self._first: Identity | None = None

    def identify(self) -> Identity:
        """Ask STS for the caller's identity.

        Raises:
            CredentialsError: as ``identify``; or the account is not the one that STS named before.
            CommandError: as ``identify``.
        """
        identity = identify(self._client)
        self._first = self._first or identity
        if identity.account_id != self._first.account_id:
            raise CredentialsError(
                f"your credentials were those of account {self._first.account_id}, and are now those of account "
                f"{identity.account_id}: run the command again, and keep the credentials of one account"
            )
        return identity
