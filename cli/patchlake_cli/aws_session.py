"""The session of the AWS SDK, with the profile and region that the user chose."""

import os

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, CredentialRetrievalError, UnknownRegionError

from patchlake.adapters.clients import LimitedSession
from patchlake.adapters.one_line import one_line


def new_session(profile: str | None = None, region: str | None = None) -> boto3.Session:
    """Return a session.

    The region is the first of: ``region``, AWS_REGION as in the AWS CLI, and those that the SDK finds on its own
    (AWS_DEFAULT_REGION, the profile's). STS is always that of the region: the sessions of its global endpoint are not
    valid in regions that an account has to enable.

    Raises:
        botocore.exceptions.BotoCoreError: there is no such profile, or the region is no name.
    """
    core = LimitedSession()
    core.set_config_variable("sts_regional_endpoints", "regional")
    session = boto3.Session(
        botocore_session=core, profile_name=profile, region_name=region or os.environ.get("AWS_REGION") or None
    )
    if not (session.region_name or "").isprintable():
        # The SDK accepts a line break at its end, and quotes the signed header that it cannot send.
        raise UnknownRegionError(region_name=session.region_name, error_msg="It has a line break.")
    return session


def ca_bundle(session: boto3.Session) -> str | None:
    """Return the file of certificates that the session's clients trust in place of the usual ones; None without one."""
    name = session.profile_name
    profile = name if name in session.available_profiles else None
    found: str | None = botocore.session.Session(profile=profile).get_config_variable("ca_bundle")
    return found


def settings_problem(error: BotoCoreError | ValueError) -> str:
    """Say that a session cannot be opened; an answer without credentials is no mistake in a setting."""
    problem = "give no credentials" if isinstance(error, CredentialRetrievalError) else "cannot be used"
    return f"the AWS settings of your environment or profile {problem}: {one_line(str(error))}"
