"""The gaps of MiniStack: the template is deployed there without what they concern, and with everything else.

Any other obstacle fails the deployment. `test_ministack_gaps` shows that MiniStack still has each of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from patchlake_cli.embedded.cloudformation.template import Template, resources_of_type


class Gap(StrEnum):
    """A gap of MiniStack 1.5.33, with its symptom."""

    NAMED_QUERIES = "CloudFormation refuses the type AWS::Athena::NamedQuery."
    METRIC_MATH = "CloudFormation refuses an alarm with Metrics."
    CONCURRENCY_FROM_A_PARAMETER = (
        "MaximumConcurrency stays text if it comes from a parameter, and the poller of the queues stops."
    )
    LIFECYCLE_RULES = "CloudFormation drops a bucket's LifecycleConfiguration."
    SENDING_BATCHES = "IAM asks for sqs:SendMessageBatch; in AWS, SendMessageBatch needs sqs:SendMessage."


@dataclass(frozen=True)
class Cut:
    """A change of a built template, in place.

    Attributes:
        gap: its reason.
        make: changes a template, and yields what it changed.
    """

    gap: Gap
    make: Callable[[Template], Iterator[object]]


def without_gaps(templates: list[Template]) -> None:
    """Take from the templates of a stack what MiniStack does not have.

    Raises:
        AssertionError: they have nothing of a gap, so that it should go from the list.
    """
    for cut in CUTS:
        changed = [found for template in templates for found in cut.make(template)]
        assert changed, f"the templates no longer have what this gap is about: {cut.gap}"


def _named_queries(template: Template) -> Iterator[object]:
    for name in resources_of_type(template, "AWS::Athena::NamedQuery"):
        yield template["Resources"].pop(name)


def _metric_math(template: Template) -> Iterator[object]:
    for name, alarm in resources_of_type(template, "AWS::CloudWatch::Alarm").items():
        if "Metrics" in alarm["Properties"]:
            yield template["Resources"].pop(name)


def _concurrency(template: Template) -> Iterator[object]:
    for function in resources_of_type(template, "AWS::Serverless::Function").values():
        for event in function["Properties"].get("Events", {}).values():
            scaling = event["Properties"].get("ScalingConfig", {})
            if isinstance(scaling.get("MaximumConcurrency"), dict):
                parameter = scaling["MaximumConcurrency"]["Ref"]
                scaling["MaximumConcurrency"] = template["Parameters"][parameter]["Default"]
                yield event


def _lifecycle_rules(template: Template) -> Iterator[object]:
    for bucket in resources_of_type(template, "AWS::S3::Bucket").values():
        if "LifecycleConfiguration" in bucket["Properties"]:
            yield bucket["Properties"].pop("LifecycleConfiguration")


def _sending_batches(template: Template) -> Iterator[object]:
    for role in resources_of_type(template, "AWS::IAM::Role").values():
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                # A conditional statement is about another service.
                if statement.get("Action") == "sqs:SendMessage":
                    statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]
                    yield statement


CUTS = (
    Cut(Gap.NAMED_QUERIES, _named_queries),
    Cut(Gap.METRIC_MATH, _metric_math),
    Cut(Gap.CONCURRENCY_FROM_A_PARAMETER, _concurrency),
    Cut(Gap.LIFECYCLE_RULES, _lifecycle_rules),
    Cut(Gap.SENDING_BATCHES, _sending_batches),
)

CHECKS_WITH_FINDINGS = {"retention": Gap.LIFECYCLE_RULES}
"""The checks of `patchlake check --stack` that find something because of a gap."""
