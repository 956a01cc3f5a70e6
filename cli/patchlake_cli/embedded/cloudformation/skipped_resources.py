"""The resources that moto's CloudFormation silently skips, created by calls to the services.

Second half of `deploy`. A run does not need them; the operators' commands read them.
"""

import json
from collections.abc import Mapping
from typing import Any

from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.cloudformation.names import by_name
from patchlake_cli.embedded.cloudformation.template import Template

_SCHEDULE = ("Name", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow")


def schedule_to_resolve(template: Template, schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a schedule for Scheduler, as expressions that the embedded CloudFormation can resolve."""
    target = schedule["Target"]
    arns = {name: by_name(target[name], template, {}) for name in ("Arn", "RoleArn")}
    return {name: schedule[name] for name in _SCHEDULE} | {"Target": {"Input": target["Input"], **arns}}


def make_skipped(endpoint: Endpoint, resolved: Mapping[str, Any]) -> None:
    """Give a new stack its buckets' settings, its schedule, and the subscription of its alarms.

    Args:
        endpoint: the embedded AWS.
        resolved: ``buckets``, ``bucket_policies``, ``schedules`` and ``subscriptions``, without expressions.
    """
    s3 = endpoint.session.client("s3", endpoint_url=endpoint.url, config=endpoint.config)
    for bucket in resolved["buckets"]:
        # Only versions show whether a key was written twice.
        if status := bucket.get("versioning"):
            s3.put_bucket_versioning(Bucket=bucket["name"], VersioningConfiguration={"Status": status})
        if rules := bucket.get("lifecycle"):
            configuration: Any = {"Rules": [_lifecycle_rule(rule) for rule in rules if rule]}
            s3.put_bucket_lifecycle_configuration(Bucket=bucket["name"], LifecycleConfiguration=configuration)
    for policy in resolved["bucket_policies"]:
        s3.put_bucket_policy(Bucket=policy["bucket"], Policy=json.dumps(policy["document"]))
    scheduler = endpoint.session.client("scheduler", endpoint_url=endpoint.url, config=endpoint.config)
    for schedule in resolved["schedules"]:
        scheduler.create_schedule(**schedule)
    sns = endpoint.session.client("sns", endpoint_url=endpoint.url, config=endpoint.config)
    for subscription in resolved["subscriptions"]:
        if subscription["endpoint"]:
            sns.subscribe(TopicArn=subscription["topic"], Protocol="email", Endpoint=subscription["endpoint"])


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a lifecycle rule of CloudFormation to the API of S3."""
    days, marker = rule.get("ExpirationInDays"), rule.get("ExpiredObjectDeleteMarker")
    expiration = {"Days": days, "ExpiredObjectDeleteMarker": marker}
    said = {name: value for name, value in expiration.items() if value is not None}
    same = ("Status", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
    return {
        "ID": rule["Id"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
        **({"Expiration": said} if said else {}),
        **{name: rule[name] for name in same if name in rule},
    }
