"""The documents name only commands, parameters and outputs that exist."""

import re
import shlex
import subprocess

import botocore.session
import pytest

from patchlake_cli.embedded.cloudformation.template import read_template
from tests.aws_commands import CUSTOM_COMMANDS, AwsCommand, NotACommandError, commands_of, parsed
from tests.command_lines import DOCUMENTS, ROOT, command_lines

COMMANDS = [*{command.text: command for document in DOCUMENTS for command in commands_of(document)}.values()]
LINES = {line for document in DOCUMENTS for line in command_lines(document)}
TARGETS = sorted({shlex.join(shlex.split(line, comments=True)) for line in LINES if re.match(r"make\b", line)})
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
EVERY_COMMAND = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.text))


def documented(operation: str) -> list[AwsCommand]:
    """Return the commands of one operation."""
    return [command for command in COMMANDS if command.operation == operation]


@EVERY_COMMAND
def test_every_command_is_one_that_the_aws_cli_takes(command: AwsCommand) -> None:
    if command.is_custom:
        assert command.options.keys() <= CUSTOM_COMMANDS[f"{command.service} {command.operation}"]
    else:
        command.parameters()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("aws lambda invoke-function --function-name f", "lambda has no operation invoke-function"),
        ("aws lamda invoke --function-name f", "lamda has no operation invoke"),
        ("aws lambda invoke --function f", "Invoke has no option --function"),
        ("aws lambda invoke --payload x out.json", 'Missing required parameter in input: "FunctionName"'),
        ("aws cloudformation create-stack-set --stack-set-name s --auto-deployment On=true", "On"),
    ],
)
def test_a_command_that_the_aws_cli_would_refuse_is_found(text: str, seen: str) -> None:
    with pytest.raises((NotACommandError, KeyError), match=seen):
        parsed(text).parameters()


def test_a_command_is_waited_for_by_a_waiter_that_exists() -> None:
    waiters = botocore.session.Session().get_waiter_model("cloudformation").waiter_names
    known = {botocore.xform_name(name, "-") for name in waiters}

    assert [command.arguments for command in documented("wait") if {*command.arguments} - known] == []


@pytest.mark.parametrize("command", documented("deploy"), ids=lambda command: str(command.text))
def test_a_template_takes_the_parameters_that_are_given(command: AwsCommand) -> None:
    parameters = read_template(ROOT / command.options["template-file"][0])["Parameters"]

    given = dict(pair.split("=", 1) for pair in command.options["parameter-overrides"])

    required = {name for name, body in parameters.items() if "Default" not in body}
    assert required <= given.keys() <= parameters.keys()
    patterns = {name: parameters[name]["AllowedPattern"] for name in given if given[name] != "BUCKET"}
    assert [name for name, pattern in patterns.items() if not re.search(pattern, given[name])] == []


@pytest.mark.parametrize("operation", ["create-stack-set", "update-stack-set"])
def test_a_stack_set_gets_the_parameters_of_the_member_role(operation: str) -> None:
    [command] = documented(operation)
    parameters = read_template(ROOT / "templates" / "member-role.yaml")["Parameters"]

    given = {parameter["ParameterKey"] for parameter in command.parameters()["Parameters"]}

    assert {name for name, body in parameters.items() if "Default" not in body} <= given <= parameters.keys()


def test_the_questions_worth_an_answer_are_parameters_of_the_template() -> None:
    questions = {
        name for row in re.findall(r"^\| (`.*?) \|", DEPLOY, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }

    assert questions
    assert questions <= read_template(ROOT / "template.yaml")["Parameters"].keys()


def test_the_bucket_that_is_imported_is_the_templates_own() -> None:
    [command] = documented("create-change-set")
    [bucket] = command.parameters()["ResourcesToImport"]
    [lake] = re.findall(r"```yaml\n(.*?)```", DEPLOY, re.DOTALL)

    written = read_template(ROOT / "template.yaml")["Resources"][bucket["LogicalResourceId"]]

    assert written["Type"] == bucket["ResourceType"]
    assert f"  {bucket['LogicalResourceId']}:\n    Type: {bucket['ResourceType']}\n" in lake


@pytest.mark.parametrize("command", TARGETS)
def test_a_documented_target_of_make_is_there(command: str) -> None:
    subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, check=True)
