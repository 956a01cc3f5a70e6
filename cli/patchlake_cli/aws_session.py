"""The session of the AWS SDK, with the profile and region that the user chose."""

import os

import boto3
import botocore.session

from patchlake.adapters.error_bodies import keep_errors_readable


def new_session(profile: str | None = None, region: str | None = None) -> boto3.Session:
    """Return a session.

    The region is the first of: ``region``, AWS_REGION as in the AWS CLI, and those that the SDK finds on its own
    (AWS_DEFAULT_REGION, the profile's). STS is always that of the region: the sessions of its global endpoint are not
    valid in regions that an account has to enable.

    Raises:
        botocore.exceptions.BotoCoreError: there is no such profile.
    """
    core = botocore.session.Session()
    core.set_config_variable("sts_regional_endpoints", "regional")
    # Those of the clients that the SDK makes to get credentials, too: it quotes an answer that was cut short.
    keep_errors_readable(core)
    return boto3.Session(
        botocore_session=core, profile_name=profile, region_name=region or os.environ.get("AWS_REGION") or None
    )


def ca_bundle(session: boto3.Session) -> str | None:
    """Return the file of certificates that the session's clients trust in place of the usual ones; None without one."""
    name = session.profile_name
    profile = name if name in session.available_profiles else None
    found: str | None = botocore.session.Session(profile=profile).get_config_variable("ca_bundle")
    return found
