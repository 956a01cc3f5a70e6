"""The checksums of a write to the embedded S3: a body that does not have one is refused, which moto does not do.

Source: the error responses of the API reference of S3, and its user guide, "Checking object integrity".
"""

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from hashlib import md5, sha1, sha256
from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_MD5: Final = "HTTP_CONTENT_MD5"
_OF_A_BODY: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    _MD5: lambda body: md5(body, usedforsecurity=False).digest(),
    "HTTP_X_AMZ_CHECKSUM_CRC32": lambda body: crc32(body).to_bytes(4),
    "HTTP_X_AMZ_CHECKSUM_SHA1": lambda body: sha1(body, usedforsecurity=False).digest(),
    "HTTP_X_AMZ_CHECKSUM_SHA256": lambda body: sha256(body).digest(),
}
_LENGTH_OF_MD5: Final = 16


def refusal_of_checksum(environ: "WSGIEnvironment", service: str) -> bytes | None:
    """Return the body of the answer to a request to S3 that states a checksum which its body does not have."""
    stated = {name: environ[name] for name in _OF_A_BODY if name in environ}
    if service != "s3" or not stated:
        return None
    if _MD5 in stated and len(_decoded(stated[_MD5])) != _LENGTH_OF_MD5:
        return _error("InvalidDigest", "The Content-MD5 you specified is not valid.")
    body = environ["wsgi.input"].read()
    environ["wsgi.input"].seek(0)
    if any(_decoded(value) != _OF_A_BODY[name](body) for name, value in stated.items()):
        return _error("BadDigest", "The checksum you specified did not match what we received.")
    return None


def _decoded(text: str) -> bytes:
    """Return the bytes of a text in Base64; none for one that is not."""
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _error(code: str, message: str) -> bytes:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return text.encode()
