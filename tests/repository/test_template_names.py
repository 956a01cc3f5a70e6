"""Names: two stacks never collide, and in another partition no name contains the first partition's."""

import json
from pathlib import Path
from typing import Any

import pytest

from patchlake_cli.embedded.cloudformation.template import Template, translate_template
from tests.resolved_template import REGION, resolved

PATH = Path(__file__).parents[2] / "template.yaml"
NAME_PROPERTIES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
}
EVERYTHING = {"AlarmEmail": "a@example.com", "NotifyEmail": "b@example.com"}
"""The parameters with which the template makes each of its resources."""
GLOBAL_TYPES = {"AWS::IAM::Role", "AWS::CloudWatch::Dashboard"}
LONGEST_NAMES = {
    "AWS::Events::Rule": 64,
    "AWS::IAM::Role": 64,
    "AWS::Lambda::Function": 64,
    "AWS::SQS::Queue": 80,
    "AWS::Scheduler::Schedule": 64,
}
PARTITIONS = [("aws-cn", "cn-north-1", "amazonaws.com.cn"), ("aws-us-gov", "us-gov-west-1", "amazonaws.com")]


def translated(region: str) -> Template:
    """Return the template as CloudFormation gets it in a region."""
    return translate_template(PATH, region)


def names(stack: str, region: str = REGION) -> dict[str, tuple[str, str]]:
    """Return type and name of every resource that names itself, by logical id."""
    template = resolved(translated(region), {"AWS::StackName": stack, "AWS::Region": region}, **EVERYTHING)
    return {
        logical_id: (resource["Type"], resource["Properties"][NAME_PROPERTIES[resource["Type"]]])
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] in NAME_PROPERTIES
    }


def test_every_kind_of_name_is_looked_at() -> None:
    def named(resource: dict[str, Any]) -> bool:
        return any(key.endswith("Name") and key != "DatabaseName" for key in resource.get("Properties", {}))

    template = resolved(translated(REGION), {}, **EVERYTHING)
    kinds = {resource["Type"] for resource in template["Resources"].values() if named(resource)}

    # An event source and an invocation's settings name their function.
    assert kinds - {"AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping"} <= NAME_PROPERTIES.keys()


def test_two_stacks_of_one_account_and_region_share_no_name() -> None:
    assert set(names("patchlake").values()).isdisjoint(names("patchlake-test").values())


def test_one_stack_in_two_regions_shares_no_name_that_is_global() -> None:
    here, there = names("patchlake").values(), names("patchlake", "us-east-1").values()

    assert {kind for kind, _ in set(here) & set(there)}.isdisjoint(GLOBAL_TYPES)


def test_a_stack_with_a_name_of_thirty_eight_characters_fits_everywhere() -> None:
    found = names("p" * 38, "ap-southeast-99").values()

    assert [name for kind, name in found if len(name) > LONGEST_NAMES.get(kind, 255)] == []


@pytest.mark.parametrize(("partition", "region", "suffix"), PARTITIONS)
def test_the_template_translates_for_another_partition(partition: str, region: str, suffix: str) -> None:
    pseudo = {"AWS::Partition": partition, "AWS::Region": region, "AWS::URLSuffix": suffix}
    key = f"arn:{partition}:kms:{region}:111122223333:key/1234"

    template = resolved(translated(region), pseudo, Accounts="organization", KmsKeyArn=key)

    text = json.dumps(template)
    assert f"arn:{partition}:iam::*:role/patchlake-member" in text
    assert f'"s3.{region}.{suffix}"' in text
    assert "arn:aws:" not in text
    assert REGION not in text
