"""A lake's bucket, opened for reading."""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError
from pyarrow import fs

from patchlake.adapters.aws_errors import AWS_ERRORS
from patchlake.adapters.clients import make_client
from patchlake.adapters.explanations import explained
from patchlake.adapters.s3 import S3Store
from patchlake.adapters.session_credentials import renewing_credentials
from patchlake.core.timings import CALL
from patchlake.errors import ConfigError
from patchlake_cli.aws_session import ca_bundle, new_session, settings_problem
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.location import LakeLocation


def open_bucket(
    location: LakeLocation, bucket: str, session: boto3.Session | None, profile: str | None
) -> tuple[fs.FileSystem, Callable[[str], Iterable[str]], Callable[[str], bytes]]:
    """Open a bucket with the SDK's own credentials, so that every kind of profile works.

    Returns:
        The filesystem that opens its files, the listing of a prefix of the lake, and what reads a whole file; the last
        two raise a PatchlakeError that says what to do.

    Raises:
        LakeError: there are no credentials, or the bucket cannot be opened with them.
    """
    text = location.text
    try:
        session = session or new_session(profile)
        with renewing_credentials():
            credentials = session.get_credentials()
        client = make_client(session, "s3")
    except ConfigError as error:
        raise LakeError(f"{text} cannot be opened: {error}") from error
    except (BotoCoreError, ValueError) as error:
        raise LakeError(f"{text} cannot be opened: {settings_problem(error)}") from error
    try:
        region = client.head_bucket(Bucket=bucket).get("BucketRegion", client.meta.region_name)
        with renewing_credentials():
            frozen = None if credentials is None else credentials.get_frozen_credentials()
        if frozen is None:
            raise LakeError(f"{text} cannot be opened: no AWS credentials found")
    except AWS_ERRORS as error:
        raise LakeError(f"{text} cannot be opened: {explained(error, 's3:ListBucket')}") from error
    except ValueError as error:
        raise LakeError(f"{text} cannot be opened: {error}") from error
    endpoint = urlsplit(client.meta.endpoint_url)
    of_aws = (endpoint.hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))
    filesystem = fs.S3FileSystem(
        access_key=frozen.access_key,
        secret_key=frozen.secret_key,
        session_token=frozen.token,
        region=region,
        scheme=endpoint.scheme,
        endpoint_override=None if of_aws else endpoint.netloc,
        connect_timeout=CALL.connect_seconds,
        # The longest wait for the next byte; the library has no limit for the total time of a call.
        request_timeout=CALL.answer_seconds,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=CALL.attempts),
        tls_ca_file_path=ca_bundle(session),
    )
    # Our own listing ends whatever the store answers, and accepts only a real listing as one.
    store = S3Store(client, bucket, location.prefix, pause=lambda _: None, chance=lambda: 0.0)
    root = f"{bucket}/{location.prefix}"

    def listed(prefix: str) -> Iterable[str]:
        return (f"{root}{key}" for key in store.keys(prefix))

    def read(path: str) -> bytes:
        content = store.get(path.removeprefix(root))
        if content is None:
            raise LakeError(f"s3://{path} no longer exists; restore it")
        return content

    return filesystem, listed, read
