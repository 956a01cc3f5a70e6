"""A translated template with its conditions and references resolved, as CloudFormation would for some parameters."""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from patchlake_cli.embedded.cloudformation.template import Template

ACCOUNT_ID = "111122223333"
REGION = "eu-central-1"
STACK_NAME = "patchlake"
_ABSENT = object()
_OF_TEXT = {"Fn::Sub", "Fn::Base64", "Fn::Join", "Fn::Split"}


def resolved(template: Template, pseudo: Mapping[str, str] | None = None, **parameters: str) -> Template:
    """Return the resources that exist with these parameters (the others have their defaults), without expressions.

    Args:
        template: translated.
        pseudo: other values of ``AWS::StackName`` and its like, and of resources whose name CloudFormation chooses.
        parameters: by name.
    """
    return _Resolver(template, pseudo or {}, parameters).template()


def properties(template: Template, logical_id: str) -> dict[str, Any]:
    """Return a resource's properties."""
    found: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return found


class _Resolver:
    def __init__(self, template: Template, pseudo: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        assert parameters.keys() <= template["Parameters"].keys()
        self._resources = template["Resources"]
        self._conditions = template.get("Conditions", {})
        self._values = {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": STACK_NAME,
            "AWS::URLSuffix": "amazonaws.com",
            **{name: str(body.get("Default", "")) for name, body in template["Parameters"].items()},
            **parameters,
            **pseudo,
        }

    def template(self) -> Template:
        kept = {
            name: resource
            for name, resource in self._resources.items()
            if "Condition" not in resource or self._holds(resource["Condition"])
        }
        return {"Resources": {name: self._value(resource) for name, resource in kept.items()}}

    def _value(self, expression: Any) -> Any:  # noqa: ANN401  # any JSON
        value = expression
        match expression:
            case {"Ref": "AWS::NoValue"}:
                value = _ABSENT
            case {"Ref": str(name)}:
                value = self._ref(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                value = self._attribute(name, attribute)
            case dict() if expression.keys() & _OF_TEXT:
                value = self._text(expression)
            case {"Fn::If": [condition, yes, no]}:
                value = self._value(yes if self._holds(condition) else no)
            case dict():
                values = {key: self._value(item) for key, item in expression.items()}
                value = {key: item for key, item in values.items() if item is not _ABSENT}
            case list():
                value = [found for item in expression if (found := self._value(item)) is not _ABSENT]
        return value

    def _text(self, expression: Mapping[str, Any]) -> str | list[str]:
        match expression:
            case {"Fn::Sub": str(text)}:
                return self._filled(text, {})
            case {"Fn::Sub": [str(text), dict(own)]}:
                return self._filled(text, {name: self._value(item) for name, item in own.items()})
            case {"Fn::Base64": encoded}:
                return b64encode(self._value(encoded).encode()).decode()
            case {"Fn::Join": [str(separator), parts]}:
                return separator.join(self._value(parts))
            case {"Fn::Split": [str(separator), text]}:
                return str(self._value(text)).split(separator)
        raise ValueError(f"no rule here evaluates {expression!r}")

    def _holds(self, condition: Any) -> bool:  # noqa: ANN401  # a name or an expression
        match condition:
            case str():
                return self._holds(self._conditions[condition])
            case {"Fn::Equals": [one, other]}:
                return str(self._value(one)) == str(self._value(other))
            case {"Fn::Not": [negated]}:
                return not self._holds(negated)
            case {"Fn::Or": list(alternatives)}:
                return any(self._holds(alternative) for alternative in alternatives)
            case {"Condition": str(name)}:
                return self._holds(name)
        raise ValueError(f"no rule here evaluates {condition!r}")

    def _filled(self, text: str, own: Mapping[str, str]) -> str:
        """Put names' values in their places; ``${!name}`` stays as ``${name}``."""

        def put(found: re.Match[str]) -> str:
            literal, name = found.groups()
            return f"${{{name}}}" if literal else own[name] if name in own else self._named(name)

        return re.sub(r"\$\{(!?)([^}]+)\}", put, text)

    def _named(self, name: str) -> str:
        resource, _, attribute = name.partition(".")
        return self._attribute(resource, attribute) if attribute else self._ref(resource)

    def _ref(self, name: str) -> str:
        if name in self._values:
            return self._values[name]
        if self._resources[name]["Type"] == "AWS::SNS::Topic":
            return self._attribute(name, "Arn")
        return self._own_name(name)

    def _own_name(self, name: str) -> str:
        """Return the physical name that a resource gives itself, or else its logical id."""
        properties = self._resources[name].get("Properties", {})
        names = ("QueueName", "FunctionName", "LogGroupName", "RoleName", "TopicName", "DataSetId", "DataSourceId")
        kind = self._resources[name]["Type"]
        given = set(names if kind != "AWS::Events::Rule" else ["Name"]) & properties.keys()
        if not given or kind.endswith(("EventSourceMapping", "EventInvokeConfig")):
            return self._values.get(name, name)
        [key] = given
        return str(self._value(properties[key]))

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute != "Arn":
            return self._own_name(name)
        own = self._ref(name) if name in self._values else self._own_name(name)
        arn = f"arn:{self._values['AWS::Partition']}"
        here = f"{self._values['AWS::Region']}:{self._values['AWS::AccountId']}"
        return {
            "AWS::Events::Rule": f"{arn}:events:{here}:rule/{own}",
            "AWS::S3::Bucket": f"{arn}:s3:::{own}",
            "AWS::SQS::Queue": f"{arn}:sqs:{here}:{own}",
            "AWS::SNS::Topic": f"{arn}:sns:{here}:{own}",
            "AWS::Logs::LogGroup": f"{arn}:logs:{here}:log-group:{own}:*",
            "AWS::Lambda::Function": f"{arn}:lambda:{here}:function:{own}",
            "AWS::IAM::Role": f"{arn}:iam::{self._values['AWS::AccountId']}:role/{own}",
            "AWS::QuickSight::DataSet": f"{arn}:quicksight:{here}:dataset/{own}",
            "AWS::QuickSight::DataSource": f"{arn}:quicksight:{here}:datasource/{own}",
        }[self._resources[name]["Type"]]
