"""The policies of the embedded S3's buckets: stored and returned unchanged, and not enforced.

moto enforces a policy without its conditions, so a policy that denies some writes would deny all of them.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_NO_POLICY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>NoSuchBucketPolicy</Code><Message>The bucket policy does not exist</Message></Error>"
)


class PolicyAnswer(NamedTuple):
    """The answer of S3 to a call about a bucket's policy."""

    status: HTTPStatus
    content_type: str
    body: bytes


def is_about_policy(environ: "WSGIEnvironment", service: str) -> bool:
    """Whether a request asks for, sets or removes a bucket's policy."""
    return service == "s3" and "policy" in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)


def answer_about_policy(policies: dict[str, bytes], environ: "WSGIEnvironment") -> PolicyAnswer:
    """Carry out GetBucketPolicy, PutBucketPolicy or DeleteBucketPolicy on these policies, by bucket."""
    bucket = environ["PATH_INFO"].strip("/")
    match environ["REQUEST_METHOD"]:
        case "PUT":
            policies[bucket] = environ["wsgi.input"].read()
        case "DELETE":
            policies.pop(bucket, None)
        case _ if bucket in policies:
            return PolicyAnswer(HTTPStatus.OK, "application/json", policies[bucket])
        case _:
            return PolicyAnswer(HTTPStatus.NOT_FOUND, "application/xml", _NO_POLICY)
    return PolicyAnswer(HTTPStatus.NO_CONTENT, "application/xml", b"")
