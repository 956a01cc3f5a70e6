"""The session of the AWS SDK, with the profile and region that the user chose."""

import os

import boto3


def new_session(profile: str | None = None, region: str | None = None) -> boto3.Session:
    """Return a session.

    The region is the first of: ``region``, AWS_REGION as in the AWS CLI, and those that the SDK finds by itself
    (AWS_DEFAULT_REGION, the profile's).

    Raises:
        botocore.exceptions.BotoCoreError: there is no such profile.
    """
    return boto3.Session(profile_name=profile, region_name=region or os.environ.get("AWS_REGION") or None)
