"""The checksum of a write to the embedded S3: a body that does not have it is refused, which moto does not do."""

from base64 import b64encode
from hashlib import md5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BAD_DIGEST = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>BadDigest</Code><Message>The Content-MD5 you specified did not match what we received.</Message>"
    b"</Error>"
)
"""The body of the refusal."""


def has_wrong_checksum(environ: "WSGIEnvironment", service: str) -> bool:
    """Whether a request to S3 states a checksum that its body does not have."""
    stated = environ.get("HTTP_CONTENT_MD5")
    if service != "s3" or stated is None:
        return False
    body = environ["wsgi.input"].read()
    environ["wsgi.input"].seek(0)
    return bool(stated != b64encode(md5(body, usedforsecurity=False).digest()).decode())
