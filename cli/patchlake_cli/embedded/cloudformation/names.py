"""The names of resources that the embedded CloudFormation does not make, so that a stack has all its outputs.

Functions, roles, the dashboard and the nested stack exist only in a real deployment, but the outputs need their names.
If a resource names itself, a reference to it becomes the expression of its name. `deploy` rewrites the outputs in this
way.
"""

from collections.abc import Mapping
from typing import Any

from patchlake_cli.embedded.cloudformation.template import Template

_NAME_PROPERTIES = {
    "AWS::Athena::WorkGroup": ("Name",),
    "AWS::CloudWatch::Dashboard": ("DashboardName",),
    "AWS::Glue::Database": ("DatabaseInput", "Name"),
    "AWS::IAM::Role": ("RoleName",),
    "AWS::Lambda::Function": ("FunctionName",),
}
_ARNS = {
    "AWS::IAM::Role": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Name}",
    "AWS::Lambda::Function": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${Name}",
}


def by_name(expression: Any, template: Template, nested: Mapping[str, Template]) -> Any:  # noqa: ANN401  # any JSON
    """Return an expression with every resource that names itself replaced by its name.

    Args:
        expression: of the template.
        template: translated.
        nested: the templates of its nested stacks, by logical id.
    """
    match expression:
        case {"Ref": str(logical_id)}:
            return _own_name(logical_id, template) or expression
        case {"Fn::GetAtt": [str(logical_id), "Arn"]} if (kind := _type(logical_id, template)) in _ARNS:
            return {"Fn::Sub": [_ARNS[kind], {"Name": _own_name(logical_id, template)}]}
        case {"Fn::GetAtt": [str(logical_id), str(attribute)]} if logical_id in nested:
            output = nested[logical_id]["Outputs"][attribute.removeprefix("Outputs.")]["Value"]
            parameters = template["Resources"][logical_id]["Properties"]["Parameters"]
            return _outside(by_name(output, nested[logical_id], {}), logical_id, parameters)
    return expression


def _type(logical_id: str, template: Template) -> str:
    return str(template["Resources"].get(logical_id, {}).get("Type", ""))


def _own_name(logical_id: str, template: Template) -> Any:  # noqa: ANN401  # any JSON
    resource = template["Resources"].get(logical_id, {})
    name = resource.get("Properties")
    path = _NAME_PROPERTIES.get(resource.get("Type"), ())
    for key in path:
        name = name[key]
    return name if path else None


def _outside(expression: Any, stack: str, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401  # any JSON
    """Translate a reference inside a nested stack for use outside of it; a resource without a name stays unknown."""
    match expression:
        case {"Ref": str(name)}:
            return parameters.get(name, {"Ref": f"{stack}.{name}"})
    return expression
