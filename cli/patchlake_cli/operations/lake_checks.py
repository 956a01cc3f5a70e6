"""Checks of a stack's data: its runs, and their bucket."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal, NotRequired, TypedDict

from patchlake.core.counts import counted
from patchlake.core.statuses import LISTING, ROWS_WITHOUT_ID, ListingStatus, listing_code, listing_words
from patchlake_cli.access.permissions import SOURCE_PERMISSIONS
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.runs import Run, RunStatus, rows_in_words
from patchlake_cli.lake.source_coverage import SourceGap
from patchlake_cli.lake.statements import Settings
from patchlake_cli.operations.bucket_policy import differing_statements, named_buckets, repaired_policy
from patchlake_cli.operations.calls import (
    AwsRefusedError,
    asking,
    read_answer,
    read_json,
    reading_the_lake,
    require_about,
)
from patchlake_cli.operations.findings import OVERDUE_FIX, Finding
from patchlake_cli.operations.retention import Rules, ill_kept
from patchlake_cli.operations.stack import Stack


class _Policy(TypedDict):
    Policy: str


class _Statements(TypedDict):
    Version: NotRequired[str]
    Id: NotRequired[str]
    Statement: list[dict[str, Any]] | dict[str, Any]


class _Versioning(TypedDict):
    Status: NotRequired[Literal["Enabled", "Suspended"]]


class _KeyMetadata(TypedDict):
    Arn: str
    KeyState: Literal[
        "Creating",
        "Enabled",
        "Disabled",
        "PendingDeletion",
        "PendingImport",
        "PendingReplicaDeletion",
        "Unavailable",
        "Updating",
    ]


class _Key(TypedDict):
    KeyMetadata: _KeyMetadata


_USABLE_KEY_STATES = frozenset({"Enabled", "Updating"})
"""While the primary key of a multi-Region key is changed, it can be used; KMS developer guide, Key states."""

_KEY_FIXES = {
    "Disabled": "aws kms enable-key --key-id {key}",
    "PendingDeletion": "aws kms cancel-key-deletion --key-id {key} && aws kms enable-key --key-id {key}",
    "PendingImport": "import its key material again",
    "Unavailable": "connect its key store again",
}

RUNS_LOOKED_AT = 7


def check_runs(stack: Stack) -> Iterator[Finding]:
    """Check that runs are planned, and end with a snapshot in time."""
    command = f"patchlake run --stack {stack.deployment.stack}"
    with reading_the_lake():
        runs = stack.runs.newest(RUNS_LOOKED_AT)
        now = stack.runs.clock.now()
    for run in runs:
        if run.problem is not None:
            yield Finding(f"run {run.run_id} is corrupt: {run.problem}", "see RunCorruptAlarm in docs/operations.md")
        if run.status is RunStatus.OVERDUE:
            yield Finding(f"run {run.run_id} is past its deadline and not published", OVERDUE_FIX)
    newest = next((run for run in runs if run.is_published), None)
    hours = stack.number("MissedRunHours")
    if newest is None:
        yield Finding("there is no snapshot yet" if not runs else "none of the last runs has a snapshot", command)
    elif hours and now - newest.run_at > timedelta(hours=hours):
        yield Finding(
            f"the newest snapshot, of run {newest.run_id}, is more than {counted(hours, 'hour')} old",
            f"see NoSnapshotAlarm in docs/operations.md; {command}",
        )


def check_targets(stack: Stack) -> Iterator[Finding]:
    """Check that the newest snapshot read every target."""
    newest = _newest_snapshot(stack)
    for target in newest.unread:
        code = listing_code(target.listing_status, target.listing_detail)
        known = target.listing_status in set(ListingStatus)
        newer = "update this command: it is older than the stack"
        fix = LISTING[ListingStatus(target.listing_status)].fix if known else newer
        yield Finding(f"{target.account_id} {target.region}: {listing_words(target.listing_status)} ({code})", fix)
    for target in newest.incomplete:
        found = rows_in_words(target.rows_without_id or 0)
        yield Finding(f"{target.account_id} {target.region}: {found}", ROWS_WITHOUT_ID.fix)


def check_sources(stack: Stack) -> Iterator[Finding]:
    """Check that the newest snapshot has everything that its secondary sources were asked for."""
    newest = _newest_snapshot(stack)
    read = {(target.account_id, target.region) for target in newest.coverage} - {
        (target.account_id, target.region) for target in (*newest.unread, *newest.incomplete)
    }
    for name, coverage in newest.sources.items():
        for gap in coverage.gaps:
            if (gap.account_id, gap.region) in read:
                yield Finding(
                    f"{gap.account_id} {gap.region}: {name} not read in full ({gap.reason})", _source_fix(name, gap)
                )


def _newest_snapshot(stack: Stack) -> Run:
    with reading_the_lake():
        newest = next((run for run in stack.runs.newest(RUNS_LOOKED_AT) if run.is_published), None)
    if newest is None:
        raise CommandError("there is no snapshot to check")
    return newest


def _source_fix(name: str, gap: SourceGap) -> str:
    if gap.is_denied:
        statement = json.dumps({"Effect": "Allow", "Action": str(SOURCE_PERMISSIONS[name]), "Resource": "*"})
        return f"deploy templates/member-role.yaml in the account again, or add this statement to its role: {statement}"
    return "see DetailGapAlarm in docs/operations.md"


def check_bucket_policy(stack: Stack) -> Iterator[Finding]:
    """Check that the bucket's policy denies overwriting and deleting."""
    bucket, partition = stack.deployment.bucket, stack.deployment.home.partition
    client = stack.aws.client("s3")
    try:
        with asking("s3:GetBucketPolicy", f"bucket {bucket}"):
            answer = read_answer(client.get_bucket_policy(Bucket=bucket), _Policy)
            policy: Mapping[str, Any] = read_json(answer["Policy"].encode(), _Statements)
            require_about(f"arn:{partition}:s3:::{bucket}", *named_buckets(policy))
    except AwsRefusedError as refusal:
        if refusal.code != "NoSuchBucketPolicy":
            raise
        policy = {}
    if differing := differing_statements(policy, bucket, partition):
        yield Finding(
            f"these statements of the bucket's policy are missing or changed: {', '.join(differing)}. Objects may have "
            "been overwritten or deleted",
            f"aws s3api put-bucket-policy --bucket {bucket} --policy '{repaired_policy(policy, bucket, partition)}'",
        )


def check_versions(stack: Stack) -> Iterator[Finding]:
    """Check that the bucket keeps replaced objects."""
    bucket = stack.deployment.bucket
    with asking("s3:GetBucketVersioning", f"bucket {bucket}"):
        answer = read_answer(stack.aws.client("s3").get_bucket_versioning(Bucket=bucket), _Versioning)
    status = answer.get("Status", "never enabled")
    if status != "Enabled":
        yield Finding(
            f"the bucket's versioning is {status}: an object that is replaced is lost",
            f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled",
        )


def check_encryption_key(stack: Stack) -> Iterator[Finding]:
    """Check that the KMS key, if the stack has one, is enabled."""
    if not (key := stack.parameter("KmsKeyArn")):
        return
    with asking("kms:DescribeKey", f"key {key}"):
        described = read_answer(stack.aws.client("kms").describe_key(KeyId=key), _Key)["KeyMetadata"]
        require_about(key, described["Arn"])
    if (state := described["KeyState"]) not in _USABLE_KEY_STATES:
        fix = _KEY_FIXES.get(state, "see its state in the KMS developer guide, Key states of AWS KMS keys")
        yield Finding(f"the KMS key {key} is {state}: nothing can be read or written", fix.format(key=key))


def check_history(stack: Stack) -> Iterator[Finding]:
    """Check that the history, if the stack's version has one, goes back as far as the window."""
    window, history = stack.number("WindowDays"), _history_days(stack)
    if stack.parameter("HistoryDays") and history < window:
        days = counted(history, "day")
        yield Finding(
            f"the history has {days}, but the views look back {window} days: in Athena, nothing is overdue "
            f"if the newest run is more than {days} old",
            "raise HistoryDays, or lower WindowDays",
        )


def check_retention(stack: Stack) -> Iterator[Finding]:
    """Check that no object expires too early, and that shards and parts expire."""
    bucket = stack.deployment.bucket
    client = stack.aws.client("s3")
    try:
        with asking("s3:GetLifecycleConfiguration", f"bucket {bucket}"):
            rules = read_answer(client.get_bucket_lifecycle_configuration(Bucket=bucket), Rules)["Rules"]
    except AwsRefusedError as refusal:
        if refusal.code != "NoSuchLifecycleConfiguration":
            raise
        rules = []
    window = stack.number("WindowDays")
    yield from ill_kept(rules, window_days=window, history_days=max(window, _history_days(stack)))


def _history_days(stack: Stack) -> int:
    """Return the days of the history: those that queries read by default, if the stack's version has no parameter."""
    return stack.number("HistoryDays") if stack.parameter("HistoryDays") else Settings().history_days
