"""Deploy template.yaml to the embedded AWS.

The template goes through the SAM translator (`template`); its bucket, queues and topic become a real stack of the
embedded CloudFormation, which also resolves every other expression that the embedded run needs: the functions'
variables, their event sources, the schedule's input, the outputs. So the demo repeats nothing of the template.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.cloudformation.names import by_name
from patchlake_cli.embedded.cloudformation.skipped_resources import make_skipped, schedule_to_resolve
from patchlake_cli.embedded.cloudformation.template import (
    Template,
    read_template,
    resources_of_type,
    translate_template,
)
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedFunction, DeployedStack, EventSource

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_sqs import SQSClient

# moto's CloudFormation reports CREATE_COMPLETE for resources that it skips silently: it gets only those that it makes.
_MADE_TYPES = ("AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue")

# The output in which CloudFormation returns all resolved expressions as one JSON text.
_RESOLVED = "Resolved"

# Lambda's own defaults.
_DEFAULT_MEMORY_MB = 128
_DEFAULT_TIMEOUT_SECONDS = 3
_DEFAULT_BATCH_SIZE = 10
_DEFAULT_ASYNCHRONOUS_RETRIES = 2


def deploy(
    template_path: Path, endpoint: Endpoint, *, stack_name: str, parameters: Mapping[str, str] | None = None
) -> DeployedStack:
    """Create a stack from a SAM template, as ``sam deploy --parameter-overrides`` would.

    The embedded CloudFormation does not check the constraints of parameters: a demo may use shorter times than a
    deployment.

    Args:
        template_path: the SAM template; its folder is the root of all code.
        endpoint: the embedded AWS; the stack is in its region.
        stack_name: not in use yet.
        parameters: values other than the template's defaults.

    Raises:
        ValueError: the template has no parameter of that name.
        botocore.exceptions.ClientError: CloudFormation refuses the template or the name.
    """
    overrides = dict(parameters or {})
    template = translate_template(template_path, endpoint.region)
    if unknown := overrides.keys() - template.get("Parameters", {}).keys():
        raise ValueError(f"{template_path.name} has no parameter {', '.join(sorted(unknown))}")
    cloudformation = endpoint.session.client("cloudformation", endpoint_url=endpoint.url, config=endpoint.config)
    sqs = endpoint.session.client("sqs", endpoint_url=endpoint.url, config=endpoint.config)

    root = template_path.resolve().parent
    stack_id, outputs = _create(cloudformation, _reduced(template, root), stack_name, overrides)
    resolved = json.loads(outputs.pop(_RESOLVED))
    make_skipped(endpoint, resolved)
    account_id = stack_id.split(":")[4]
    layer_paths = tuple(dict.fromkeys(root / folder for folder in resolved["layers"]))
    functions = {}
    for function in resolved["functions"]:
        code_path = root / function["folder"]
        functions[code_path.name] = DeployedFunction(
            stage=code_path.name,
            name=function["name"],
            arn=f"arn:aws:lambda:{endpoint.region}:{account_id}:function:{function['name']}",
            code_path=code_path,
            layer_paths=layer_paths,
            handler=function["handler"],
            environment={name: str(value) for name, value in function["environment"].items()},
            timeout_seconds=function["timeout"],
            memory_mb=function["memory"],
            asynchronous_retries=function["retries"],
            event_sources=tuple(_event_source(sqs, stack_name, source) for source in function["sources"]),
            role_name=function["role"].rpartition("/")[2],
        )
    return DeployedStack(
        name=stack_name,
        account_id=account_id,
        region=endpoint.region,
        bucket=resolved["buckets"][0]["name"],
        functions=functions,
        schedule_input=resolved["schedules"][0]["Target"]["Input"],
        outputs=outputs,
    )


def _reduced(template: Template, root: Path) -> Template:
    """Keep the resources that the embedded CloudFormation makes, and add an output that resolves the rest."""
    resources = {name: body for kind in _MADE_TYPES for name, body in resources_of_type(template, kind).items()}
    known = resources.keys() | template.get("Parameters", {}).keys()
    nested = {
        name: read_template(root / stack["Properties"]["TemplateURL"])
        for name, stack in resources_of_type(template, "AWS::CloudFormation::Stack").items()
    }
    named = {
        name: output | {"Value": by_name(output["Value"], template, nested)}
        for name, output in template.get("Outputs", {}).items()
    }
    outputs = {
        name: output
        for name, output in named.items()
        if all(reference in known or reference.startswith("AWS::") for reference in _references(output["Value"]))
    }
    return {
        **{section: template[section] for section in ("Parameters", "Mappings", "Conditions") if section in template},
        "Resources": resources,
        "Outputs": {**outputs, _RESOLVED: {"Value": {"Fn::ToJsonString": _to_resolve(template)}}},
    }


def _references(expression: object) -> Iterator[str]:
    """Name the parameters and resources to which an expression refers."""
    match expression:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from re.findall(r"\$\{([\w:]+)", text)
        case dict():
            for value in expression.values():
                yield from _references(value)
        case list():
            for value in expression:
                yield from _references(value)


def _to_resolve(template: Template) -> dict[str, Any]:
    """Collect, as expressions of the template, everything that the embedded run needs."""
    sources = _properties_of_type(template, "AWS::Lambda::EventSourceMapping")
    retries = {
        config["FunctionName"]["Ref"]: config.get("MaximumRetryAttempts", _DEFAULT_ASYNCHRONOUS_RETRIES)
        for config in _properties_of_type(template, "AWS::Lambda::EventInvokeConfig")
    }
    return {
        "buckets": [
            {
                "name": {"Ref": name},
                "versioning": bucket["Properties"].get("VersioningConfiguration", {}).get("Status"),
                "lifecycle": bucket["Properties"].get("LifecycleConfiguration", {}).get("Rules", []),
            }
            for name, bucket in resources_of_type(template, "AWS::S3::Bucket").items()
        ],
        "bucket_policies": [
            {"bucket": policy["Bucket"], "document": policy["PolicyDocument"]}
            for policy in _properties_of_type(template, "AWS::S3::BucketPolicy")
        ],
        "layers": [layer["Content"]["S3Key"] for layer in _properties_of_type(template, "AWS::Lambda::LayerVersion")],
        "schedules": [
            schedule_to_resolve(template, schedule)
            for schedule in _properties_of_type(template, "AWS::Scheduler::Schedule")
        ],
        "subscriptions": [
            {
                name: {"Fn::If": [resource["Condition"], resource["Properties"][key], ""]}
                for name, key in (("topic", "TopicArn"), ("endpoint", "Endpoint"))
            }
            for resource in resources_of_type(template, "AWS::SNS::Subscription").values()
        ],
        "functions": [
            {
                "folder": function["Properties"]["Code"]["S3Key"],
                "name": function["Properties"]["FunctionName"],
                "handler": function["Properties"]["Handler"],
                "role": by_name(function["Properties"]["Role"], template, {}),
                "environment": function["Properties"].get("Environment", {}).get("Variables", {}),
                "timeout": function["Properties"].get("Timeout", _DEFAULT_TIMEOUT_SECONDS),
                "memory": function["Properties"].get("MemorySize", _DEFAULT_MEMORY_MB),
                "retries": retries.get(name, _DEFAULT_ASYNCHRONOUS_RETRIES),
                "sources": [_source_to_resolve(source) for source in sources if source["FunctionName"]["Ref"] == name],
            }
            for name, function in resources_of_type(template, "AWS::Lambda::Function").items()
        ],
    }


def _properties_of_type(template: Template, resource_type: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources_of_type(template, resource_type).values()]


def _source_to_resolve(source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "arn": source["EventSourceArn"],
        "batch_size": source.get("BatchSize", _DEFAULT_BATCH_SIZE),
        # Zero means none: a JSON text of CloudFormation has no null.
        "concurrency": source.get("ScalingConfig", {}).get("MaximumConcurrency", 0),
        "response_types": source.get("FunctionResponseTypes", []),
    }


def _create(
    cloudformation: "CloudFormationClient", template: Template, stack_name: str, parameters: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Create the stack and return its id and outputs."""
    stack_id = cloudformation.create_stack(
        StackName=stack_name,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    )["StackId"]
    [stack] = cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
    return stack_id, {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _event_source(sqs: "SQSClient", stack_name: str, source: Mapping[str, Any]) -> EventSource:
    queue_url = _queue_url(sqs, source["arn"])
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
    redrive = json.loads(attributes.get("RedrivePolicy", "{}"))
    return EventSource(
        name=source["arn"].rpartition(":")[2].removeprefix(f"{stack_name}-"),
        queue_url=queue_url,
        queue_arn=source["arn"],
        dead_letter_queue_url=_queue_url(sqs, redrive["deadLetterTargetArn"]) if redrive else None,
        batch_size=source["batch_size"],
        maximum_concurrency=int(source["concurrency"]) or None,
        reports_item_failures="ReportBatchItemFailures" in source["response_types"],
    )


def _queue_url(sqs: "SQSClient", arn: str) -> str:
    return sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
