"""The pages for one task each agree with the template: names of alarms, questions in their order, computed times."""

import re
import tomllib
from math import ceil
from typing import Any

import pytest

from patchlake_cli.embedded.cloudformation.template import read_template
from tests.command_lines import ROOT

TEMPLATE: Any = read_template(ROOT / "template.yaml")
FIRST_QUESTIONS = ["Accounts", "Regions", "AlarmEmail"]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_every_alarm_has_its_real_name_an_urgency_and_its_own_entry() -> None:
    rows = re.findall(r"^\| \[`(.+?)`\]\(operations\.md#(.+?)\) \| (.+?) \|", page("alarms.md"), re.MULTILINE)

    names = {
        resource["Properties"]["AlarmName"]["Fn::Sub"].replace("${AWS::StackName}", "patchlake"): name.lower()
        for name, resource in TEMPLATE["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert [name for name, _, _ in rows if names[name] not in anchor_of(rows, name)] == []
    assert sorted(name for name, _, _ in rows) == sorted(names)
    assert {urgency for _, _, urgency in rows} == {"now", "today", "this week"}


def anchor_of(rows: list[tuple[str, str, str]], name: str) -> list[str]:
    """Return the parts of the anchor of an alarm: one entry of the runbook may be about several."""
    return next(anchor for each, anchor, _ in rows if each == name).split("-")


def test_a_guided_deployment_asks_first_for_what_matters() -> None:
    assert list(TEMPLATE["Parameters"])[: len(FIRST_QUESTIONS)] == FIRST_QUESTIONS
    assert [name for name, body in TEMPLATE["Parameters"].items() if "Default" not in body] == []
    for name in ("deploy.md", "one-account.md"):
        text = page(name)
        assert all(f"`{question}`" in text for question in FIRST_QUESTIONS)


def test_the_answers_in_samconfig_are_valid_once_they_are_no_comment() -> None:
    text = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
    assert "parameter_overrides" not in tomllib.loads(text)["default"]["deploy"]["parameters"]

    answered = tomllib.loads(re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE))["default"]["deploy"]["parameters"]

    given = dict(pair.split("=", 1) for pair in answered["parameter_overrides"].split())
    assert list(given) == FIRST_QUESTIONS
    for name, value in given.items():
        assert re.search(TEMPLATE["Parameters"][name]["AllowedPattern"], value)


def test_the_sizes_are_computed_as_the_page_says() -> None:
    text = page("two-hundred-accounts.md")
    assert "half a second for the session" in text
    rows = figures(text, "<!-- sizes: begin -->", "<!-- sizes: end -->")

    assert len(rows) > 3
    for accounts, regions, nodes, *minutes in rows:
        assert minutes == computed_minutes(accounts * regions, nodes)


def test_what_to_expect_of_a_run_follows_from_the_sizes_and_the_costs() -> None:
    costs = page("cost.md")
    of_a_run = {
        (nodes, runs_a_day): dollars[-1]
        for nodes, _, runs_a_day, *dollars in figures(costs, "<!-- cost: begin -->", "<!-- cost: end -->")
    }
    of_patches = {
        (nodes, runs_a_day): dollars[-1] for nodes, runs_a_day, *dollars in figures(costs, "## Patches", "Computed on")
    }
    rows = figures(page("performance.md"), "<!-- expectations: begin -->", "<!-- expectations: end -->")

    assert len(rows) == 4
    for nodes, targets, *minutes, dollars in rows:
        listing, patches, quick_listing, quick_patches = computed_minutes(targets, nodes)
        assert minutes == [max(listing, patches), max(quick_listing, quick_patches)]
        assert dollars == pytest.approx(of_a_run[nodes, 1] + of_patches[nodes, 1])


def figures(text: str, begin: str, end: str) -> list[list[float]]:
    """Return the numbers in each row of the table between two texts."""
    lines = text.partition(begin)[2].partition(end)[0].splitlines()
    rows = [line.replace(",", "") for line in lines if re.match(r"\| \d", line)]
    return [[float(number) for number in re.findall(r"\d[\d.]*", row)] for row in rows]


def computed_minutes(targets: float, nodes: float) -> list[int]:
    """Return the minutes of listing and patches, with the defaults and with the higher settings."""
    listing = targets * (0.5 + 0.1 * (ceil(nodes / targets / 50) - 1))
    patches = 0.3 * nodes * 0.1
    return [
        ceil(seconds / 60)
        for discover, detail in ((2, 2), (10, 8))
        for seconds in (listing / discover, patches / (2 * detail))
    ]


@pytest.mark.parametrize("name", ["DiscoverConcurrency", "CollectConcurrency", "DetailConcurrency"])
def test_the_higher_settings_are_possible(name: str) -> None:
    [value] = re.findall(rf"`{name}` (\d+)", page("two-hundred-accounts.md"))

    parameter = TEMPLATE["Parameters"][name]
    assert parameter["MinValue"] <= int(value) <= parameter["MaxValue"]
    assert parameter["Default"] == 2
