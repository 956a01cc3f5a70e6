"""The meaning and the fix of each cause of a failed call: the table behind every message about AWS.

The messages of the functions, of the commands and the tables of ``docs/troubleshooting.md`` all have these sentences.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from patchlake.adapters.aws_errors import AwsError, Cause, cause_of, code_of, message_of
from patchlake.adapters.clock import time_in
from patchlake.core.counts import counted
from patchlake.core.paging import IF_IT_LASTS
from patchlake.core.statuses import Explanation

_LATER = "retry in a minute (a run does so automatically)"

EXPLANATIONS: Mapping[Cause, Explanation] = {
    Cause.THROTTLED: Explanation("AWS throttled the call", f"{_LATER}; if the problem persists, lower the concurrency"),
    Cause.PASSING: Explanation(
        "AWS returned an error or no usable answer",
        f"{_LATER}; if the problem persists, check the AWS Health Dashboard, and that no proxy changes answers",
    ),
    Cause.CONFLICT: Explanation("another request for the same object was in progress", _LATER),
    Cause.CHANGED: Explanation(
        "the body of the answer does not match its checksum",
        f"{_LATER}; if the problem persists, check that no proxy changes answers",
    ),
    Cause.UNREACHABLE: Explanation(
        "the endpoint cannot be reached",
        "check the network, DNS, security groups and VPC endpoints, and the endpoint if you set one",
    ),
    Cause.BAD_CERTIFICATE: Explanation(
        "the certificate of the endpoint is not trusted, often because a proxy inspects the traffic",
        "set AWS_CA_BUNDLE to a file with the certificates of your network",
    ),
    Cause.PROXY: Explanation(
        "the proxy refuses the request or cannot be reached",
        "correct the address and password in HTTPS_PROXY, or name the endpoint in NO_PROXY",
    ),
    Cause.PROXY_PAGE: Explanation(
        "a web page arrived instead of an answer from AWS, usually from a proxy or a firewall",
        "allow requests to the endpoint there, or name the endpoint in NO_PROXY",
    ),
    Cause.PROXY_ANSWER: Explanation(
        "the answer is not that of AWS, but of a proxy or a cache",
        "allow requests to the endpoint there, or name the endpoint in NO_PROXY",
    ),
    Cause.NO_CREDENTIALS: Explanation(
        "no AWS credentials found, or only some of them", "run `aws configure`, or select a profile with --profile"
    ),
    Cause.EXPIRED: Explanation(
        "the credentials have expired or cannot be renewed",
        "sign in again, for example with `aws sso login`, or select another --profile; "
        "check that the clock of this machine is right",
    ),
    Cause.WRONG_CLOCK: Explanation(
        "the time of the request is too far from AWS's time",
        "synchronize the clock of this machine with a time server",
    ),
    Cause.WRONG_SIGNATURE: Explanation(
        "AWS does not accept the signature",
        "renew the credentials, or select another --profile; check that no proxy changes requests",
    ),
    Cause.UNKNOWN_CALLER: Explanation(
        "the region does not recognize the credentials",
        "enable the region in the account, or leave it out; if it is enabled, renew the credentials",
    ),
    Cause.DENIED: Explanation("access denied", "the calling identity needs {permissions}"),
    Cause.DENIED_BY_POLICY: Explanation(
        "access denied: a policy explicitly denies the call",
        "remove the denial from that policy, which may belong to the bucket, the organization or a VPC endpoint; "
        "allowing {permissions} elsewhere does not help",
    ),
    Cause.KEY_DENIED: Explanation(
        "access denied to the KMS key",
        "allow kms:GenerateDataKey and kms:Decrypt, in the key policy and in the policy of the calling identity",
    ),
    Cause.KEY_DISABLED: Explanation("the KMS key is disabled", "enable the key"),
    Cause.KEY_UNUSABLE: Explanation(
        "the KMS key cannot be used, for example because its deletion is pending",
        "cancel its deletion, then enable the key",
    ),
    Cause.KEY_NOT_FOUND: Explanation(
        "the KMS key does not exist", "configure the bucket or queue with a key that exists in its region"
    ),
    Cause.NO_BUCKET: Explanation("the bucket does not exist", "correct its name, or create it"),
    Cause.NO_UNIT: Explanation(
        "the organization has no such organizational unit or root",
        "correct the id in --accounts, or in Accounts of a stack; if someone has just deleted the unit, retry",
    ),
    Cause.OTHER_REGION: Explanation(
        "the bucket is in another region",
        "use the region of the bucket: set AWS_REGION, or correct the endpoint",
    ),
    Cause.REDIRECTED: Explanation("the resource is at another address", "correct the region or the endpoint"),
    Cause.NO_CONDITIONAL_WRITES: Explanation(
        "the store does not support conditional writes (If-None-Match)",
        "use Amazon S3, or a store that supports them: without them, one run could overwrite another",
    ),
    Cause.BROKEN_CHAIN: Explanation(
        "AWS does not accept the pagination token", f"the pages are read again automatically. {IF_IT_LASTS}"
    ),
    Cause.REFUSED: Explanation("AWS refuses the call", "look up the code in the service's documentation"),
}
"""In a fix, ``{permissions}`` stands for those that the call needs."""

_OF_CREDENTIALS = {
    "AssumeRole": "sts:AssumeRole",
    "AssumeRoleWithWebIdentity": "sts:AssumeRoleWithWebIdentity",
    "GetRoleCredentials": "sso:GetRoleCredentials",
}
"""The permissions of the calls that the SDK makes by itself, in the middle of another one, to get credentials."""

_NOTABLE = timedelta(minutes=1)
_MOST_MINUTES = 120


def utc_now() -> datetime:
    """Return this machine's time."""
    return datetime.now(UTC)


def explained(error: AwsError, permissions: str, local_time: Callable[[], datetime] = utc_now) -> str:
    """Return one line about a failed call: what it means, the code, what AWS says, and what to do.

    Args:
        error: the error of the call.
        permissions: the IAM actions that the call needs, as in a policy; for a call of the SDK's own, it needs another.
        local_time: returns this machine's time, aware, in UTC.
    """
    cause = cause_of(error)
    meaning, fix, _ = EXPLANATIONS[cause]
    if cause is Cause.WRONG_CLOCK:
        meaning += _difference(error, local_time())
    said = message_of(error).rstrip(".")
    fix = fix.format(permissions=permission_for_credentials(error) or permissions)
    return f"{meaning} ({code_of(error)}){': ' if said else ''}{said}. {fix[0].upper()}{fix[1:]}"


def permission_for_credentials(error: AwsError) -> str | None:
    """Return the permission of the call that failed, if the SDK made it to get credentials."""
    return _OF_CREDENTIALS.get(error.operation_name) if isinstance(error, ClientError) else None


def _difference(error: AwsError, local: datetime) -> str:
    """Say how far this machine's clock is from the time of an answer, if the answer has one."""
    answered = time_in(error.response) if isinstance(error, ClientError) else None
    if answered is None:
        return ""
    if abs(local - answered) < _NOTABLE:
        return ", though the clock of this machine is right: the request was delayed"
    minutes = round(abs(local - answered) / timedelta(minutes=1))
    count, unit = (minutes, "minute") if minutes < _MOST_MINUTES else (round(minutes / 60), "hour")
    order = "ahead" if local > answered else "behind"
    return f": the clock of this machine is {counted(count, unit)} {order}"
