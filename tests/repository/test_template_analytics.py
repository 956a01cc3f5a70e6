"""template.yaml and its nested Athena stack agree on their parameters and outputs."""

from pathlib import Path
from typing import Any

import pytest

from patchlake_cli.embedded.cloudformation.template import Template, read_template
from patchlake_cli.lake.statements import Settings
from tests.resolved_template import resolved

ROOT = Path(__file__).parents[2]
PATH = ROOT / "template.yaml"


@pytest.fixture(scope="module")
def analytics() -> Template:
    """The template of the nested stack."""
    return read_template(ROOT / "templates" / "analytics.yaml")


def given(template: Template) -> dict[str, Any]:
    """Return the parameters that the nested stack gets."""
    parameters: dict[str, Any] = template["Resources"]["Analytics"]["Properties"]["Parameters"]
    return parameters


def test_the_nested_stack_is_the_generated_template(written: Template) -> None:
    assert written["Resources"]["Analytics"]["Properties"]["TemplateURL"] == "templates/analytics.yaml"


def test_every_parameter_of_the_nested_stack_is_given(translated: Template, analytics: Template) -> None:
    assert given(translated).keys() == analytics["Parameters"].keys()


def test_a_parameter_of_both_has_the_same_default_and_limits(written: Template, analytics: Template) -> None:
    both = written["Parameters"].keys() & analytics["Parameters"].keys() - {"KmsKeyArn"}

    assert both >= {"WindowDays", "HistoryDays", "ScanMaxAgeDays", "FirstDay", "BytesScannedLimit", "ResultsExpiryDays"}
    assert [name for name in both if written["Parameters"][name] != analytics["Parameters"][name]] == []


def test_the_command_assumes_what_the_stack_has_by_default(analytics: Template) -> None:
    names = ("WindowDays", "ScanMaxAgeDays", "HistoryDays")

    assert Settings(*(int(analytics["Parameters"][name]["Default"]) for name in names)) == Settings()


def test_what_is_chosen_reaches_the_nested_stack(translated: Template) -> None:
    parameters = given(resolved(translated, WindowDays="70", ScanMaxAgeDays="3", FirstDay="2027-01-01"))

    assert (parameters["WindowDays"], parameters["ScanMaxAgeDays"]) == ("70", "3")
    assert parameters["FirstDay"] == "2027-01-01"


def test_two_stacks_of_one_account_have_databases_of_their_own(translated: Template) -> None:
    names = [
        given(resolved(translated, {"AWS::StackName": stack}))["DatabaseName"] for stack in ("patchlake", "my-own-lake")
    ]

    assert names == ["patchlake", "my_own_lake"]


def test_the_outputs_of_the_nested_stack_are_handed_on(written: Template, analytics: Template) -> None:
    handed_on = {
        name: output["Value"]["Fn::GetAtt"]
        for name, output in written["Outputs"].items()
        if output["Value"].get("Fn::GetAtt", [""])[0] == "Analytics"
    }

    assert handed_on == {name: ["Analytics", f"Outputs.{name}"] for name in analytics["Outputs"]}
