"""A resource of the template against the SDK's own model of QuickSight.

botocore checks types and required members; lengths, patterns and enumerations, which it leaves to the service, are
checked here.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

OPERATIONS = {
    "AWS::QuickSight::DataSource": "CreateDataSource",
    "AWS::QuickSight::DataSet": "CreateDataSet",
    "AWS::QuickSight::RefreshSchedule": "CreateRefreshSchedule",
    "AWS::QuickSight::Dashboard": "CreateDashboard",
}
OF_CLOUDFORMATION = {"IngestionWaitPolicy"}
"""Properties that CloudFormation itself understands."""
RENAMED = {"TimeZone": "Timezone"}
"""Members that CloudFormation calls differently."""


@cache
def model() -> ServiceModel:
    """Return the SDK's model of QuickSight."""
    session = botocore.session.get_session()
    return ServiceModel(session.get_component("data_loader").load_service_model("quicksight", "service-2"))


def shape_complaints(resource: Mapping[str, Any]) -> list[str]:
    """Return the parts of a resource without expressions that the service would refuse, by its model."""
    shape = model().operation_model(OPERATIONS[resource["Type"]]).input_shape
    assert shape is not None
    request = {name: _renamed(value) for name, value in resource["Properties"].items() if name not in OF_CLOUDFORMATION}
    report = ParamValidator().validate(request, shape)
    return [*report.generate_report().splitlines(), *_limits(shape, request, "")]


def _renamed(value: Any) -> Any:  # noqa: ANN401  # any JSON
    match value:
        case dict():
            return {RENAMED.get(name, name): _renamed(item) for name, item in value.items()}
        case list():
            return [_renamed(item) for item in value]
    return value


def _limits(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401  # any JSON
    for inner, item, name in _inner(shape, value):
        yield from _limits(inner, item, path + name)
    size = value if isinstance(value, int | float) else len(value)
    least, most = shape.metadata.get("min", size), shape.metadata.get("max", size)
    if not least <= size <= most:
        yield f"{path}: {size} is not within {least} and {most}"
    if isinstance(shape, StringShape):
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value} is none of {', '.join(shape.enum)}"
        pattern = shape.metadata.get("pattern", ".*")
        if not re.fullmatch(_python(pattern), value, re.DOTALL):
            yield f"{path}: {value} does not match {pattern}"


def _inner(shape: Shape, value: Any) -> list[tuple[Shape, Any, str]]:  # noqa: ANN401  # any JSON
    """Return the parts of a value: shape, value and path of each."""
    match shape:
        case StructureShape():
            return [(shape.members[name], item, f".{name}") for name, item in value.items() if name in shape.members]
        case ListShape():
            return [(shape.member, item, f"[{index}]") for index, item in enumerate(value)]
        case MapShape():
            keys = [(shape.key, key, f".{key}") for key in value]
            return [*keys, *((shape.value, item, f".{key}") for key, item in value.items())]
    return []


def _python(pattern: str) -> str:
    """Return a pattern of the model in Python's dialect."""
    return re.sub(r"\\p\{[A-Za-z]+\}", r"\\w", pattern)
