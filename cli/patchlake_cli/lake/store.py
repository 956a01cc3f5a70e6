"""The store of a lake, in a folder or in a bucket."""

from pathlib import Path

from botocore.config import Config

from patchlake.adapters.directory import DirectoryStore
from patchlake.bootstrap import Aws, bucket_store
from patchlake.ports import Store
from patchlake_cli.lake.location import LakeLocation


def open_store(lake: LakeLocation, aws: Aws, *, connections: int) -> Store:
    """Open the store of a lake; in S3, with this many connections."""
    if lake.bucket is None:
        return DirectoryStore(Path(lake.text))
    client = aws.client("s3", Config(max_pool_connections=connections))
    return bucket_store(client, lake.bucket, lake.prefix)
