"""The policy that a stack's bucket must have, and the differences from the policy that it has.

template.yaml has the same statements; a test compares the two.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from patchlake.core.keys import CREATED_ONCE

_BUCKET = re.compile(r"(?P<arn>arn:[^:]+:s3:::[^*?$/]+)(?:/|$)")


def expected_statements(bucket: str, partition: str) -> list[dict[str, Any]]:
    """Return the statements of a stack's bucket, as the template makes them."""
    arn = f"arn:{partition}:s3:::{bucket}"
    written = [f"{arn}/{folder}*" for folder in CREATED_ONCE]
    return [
        _denied("OnlyOverTls", "s3:*", [arn, f"{arn}/*"], {"Bool": {"aws:SecureTransport": "false"}}),
        _denied(
            "CreateOnce",
            "s3:PutObject",
            written,
            {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
        ),
        _denied("NeverReplace", "s3:PutObject", written, {"Null": {"s3:if-match": "false"}}),
        _denied("NeverDelete", ["s3:DeleteObject", "s3:DeleteObjectVersion"], written),
    ]


def differing_statements(policy: Mapping[str, Any], bucket: str, partition: str) -> list[str]:
    """Return the statements that a policy lacks or has in another form; further statements do not count."""
    found = [_normal(statement) for statement in _listed(policy.get("Statement", []))]
    return [
        str(statement["Sid"]) for statement in expected_statements(bucket, partition) if _normal(statement) not in found
    ]


def named_buckets(policy: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ARNs of the buckets that a policy names without a wildcard: S3 stores a policy about its own only."""
    for statement in _listed(policy.get("Statement", [])):
        for resource in _listed(statement.get("Resource", [])):
            if (found := _BUCKET.match(str(resource))) is not None:
                yield found["arn"]


def repaired_policy(policy: Mapping[str, Any], bucket: str, partition: str) -> str:
    """Return a policy with all required statements and its other present ones, as JSON in one line."""
    expected = expected_statements(bucket, partition)
    names = {statement["Sid"] for statement in expected}
    own = [statement for statement in _listed(policy.get("Statement", [])) if statement.get("Sid") not in names]
    return json.dumps({"Version": "2012-10-17", "Statement": [*expected, *own]})


def _denied(
    sid: str, action: str | list[str], resource: list[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def _normal(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return a statement in one of the forms that IAM treats as equal."""
    return dict(statement) | {
        "Principal": "*" if statement.get("Principal") == {"AWS": "*"} else statement.get("Principal"),
        "Action": sorted(_listed(statement.get("Action", [])), key=str),
        "Resource": sorted(_listed(statement.get("Resource", [])), key=str),
    }


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - a policy has one or a list of them
    return value if isinstance(value, list) else [value]
