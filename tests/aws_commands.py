"""The ``aws`` commands of the documents, read as the AWS CLI reads them: with the SDK's own model of each service."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from tests.command_lines import command_lines

ROOT = Path(__file__).parents[1]
GLOBAL_OPTIONS = {"query", "output", "region", "profile", "cli-binary-format"}
CUSTOM_COMMANDS = {
    "cloudformation deploy": {"stack-name", "template-file", "capabilities", "parameter-overrides", "s3-bucket"},
    "cloudformation wait": {"stack-name", "change-set-name"},
    "s3 ls": {"recursive"},
    "s3 cp": {"recursive", "include", "exclude"},
    "s3 sync": {"delete"},
}
"""Commands that the AWS CLI adds to the operations of a service, with those of their options that are used here."""


class NotACommandError(Exception):
    """The AWS CLI would refuse the command."""


@dataclass(frozen=True, slots=True)
class AwsCommand:
    """One command of a document.

    Attributes:
        text: on one line.
        options: values by option, without dashes.
        arguments: what belongs to no option, after service and operation.
    """

    text: str
    service: str
    operation: str
    options: dict[str, list[str]]
    arguments: list[str]

    @property
    def is_custom(self) -> bool:
        """Whether it is none of a service's operations."""
        return f"{self.service} {self.operation}" in CUSTOM_COMMANDS

    def parameters(self) -> dict[str, Any]:
        """Return the operation's parameters, for boto3.

        Raises:
            NotACommandError: the service has no such operation or parameter, or a value does not fit.
        """
        model = self._model()
        shape = model.input_shape or StructureShape("None", {"type": "structure", "members": {}})
        members = {_with_dashes(name): name for name in shape.members}
        found = {}
        for option, words in self.options.items():
            if option in GLOBAL_OPTIONS:
                continue
            name = members.get(option) or members.get(option.removeprefix("no-"))
            if name is None:
                raise NotACommandError(f"{self.text}: {model.name} has no option --{option}")
            found[name] = _value(words, shape.members[name], negated=option not in members)
        report = ParamValidator().validate(found, shape)
        if report.has_errors():
            raise NotACommandError(f"{self.text}: {report.generate_report()}")
        return found

    def _model(self) -> OperationModel:
        operations = _operations(self.service)
        if self.operation not in operations:
            raise NotACommandError(f"{self.text}: {self.service} has no operation {self.operation}")
        return operations[self.operation]


def commands_of(document: Path) -> Iterator[AwsCommand]:
    """Yield every ``aws`` command of a document's fenced blocks, in order."""
    return (parsed(line) for line in command_lines(document) if line.startswith("aws "))


def parsed(text: str) -> AwsCommand:
    """Read one command line."""
    _, service, operation, *words = shlex.split(text, comments=True)
    options: dict[str, list[str]] = {}
    arguments: list[str] = []
    values = arguments
    for word in words:
        if word.startswith("--"):
            values = options.setdefault(word.removeprefix("--"), [])
        elif values is not arguments and len(values) == 1 and not _takes_many(service, operation, [*options][-1]):
            values = arguments
            values.append(word)
        else:
            values.append(word)
    return AwsCommand(text, service, operation, options, arguments)


def _takes_many(service: str, operation: str, option: str) -> bool:
    """Whether an option takes all words up to the next one."""
    if f"{service} {operation}" in CUSTOM_COMMANDS:
        return option in {"parameter-overrides", "capabilities"}
    if option in GLOBAL_OPTIONS:
        return False
    model = _operations(service).get(operation)
    shape = model.input_shape if model else None
    members = {_with_dashes(name): member for name, member in shape.members.items()} if shape else {}
    return option in members and members[option].type_name == "list"


def _value(words: list[str], shape: Shape, *, negated: bool) -> Any:  # noqa: ANN401  # any parameter
    if shape.type_name == "boolean" and not words:
        return not negated
    if isinstance(shape, StructureShape | ListShape) and words[0].startswith(("{", "[")):
        return json.loads(words[0])
    if isinstance(shape, ListShape):
        return [_one(word, shape.member) for word in words]
    return _one(" ".join(words), shape)


def _one(word: str, shape: Shape) -> Any:  # noqa: ANN401  # any parameter
    """Return a value from one word; a structure's members are separated by commas."""
    if isinstance(shape, StructureShape):
        pairs = [pair.split("=", 1) for pair in word.split(",")]
        return {name: _one(value, shape.members[name]) for name, value in pairs}
    if isinstance(shape, ListShape):
        return [_one(word, shape.member)]
    match shape.type_name:
        case "integer" | "long":
            return int(word)
        case "boolean":
            return {"true": True, "false": False}[word]
        case "blob":
            return word.encode()
    name = word.removeprefix("file://")
    return (ROOT / name).read_text(encoding="utf-8") if name != word and (ROOT / name).exists() else word


def _with_dashes(name: str) -> str:
    return botocore.xform_name(name, "-")


@cache
def _operations(service: str) -> dict[str, OperationModel]:
    """Return the operations of a service by their names on the command line; none of a service that does not exist."""
    session = _session()
    name = {"s3api": "s3"}.get(service, service)
    if name not in session.get_available_services():
        return {}
    model = session.get_service_model(name)
    return {_with_dashes(name): model.operation_model(name) for name in model.operation_names}


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()
