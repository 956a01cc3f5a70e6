"""The simulated fleet: the requested number of nodes, the same for every caller, and valid by the API's own model."""

import re
from collections import Counter
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest

from patchlake.core.targets import Target
from patchlake_cli.embedded.fleet.catalogue import ANCIENT_AGENT, fleet_accounts, fleet_regions
from patchlake_cli.embedded.fleet.fleet import Fleet
from patchlake_cli.embedded.fleet.node import YEAR_ONE, ManagedNode
from tests.ssm_model import shape

DAYS = 30
LAST = DAYS - 1
PATCH_WAVE = 17  # 20 October 2026, when the baselines approve the patches of the second Tuesday
LACKING = ("MissingCount", "FailedCount", "InstalledRejectedCount", "InstalledPendingRebootCount")
SEVERITIES = ("CriticalNonCompliantCount", "SecurityNonCompliantCount", "OtherNonCompliantCount")
HOME = Target("111122223333", "eu-central-1")
SMALL = Target("777788889999", "eu-central-1")


def new_fleet(*, seed: int = 7, nodes: int = 4000, accounts: int = 3, regions: int = 2, days: int = DAYS) -> Fleet:
    return Fleet(seed=seed, nodes=nodes, accounts=fleet_accounts(accounts), regions=fleet_regions(regions), days=days)


def all_nodes(fleet: Fleet, day: int) -> list[ManagedNode]:
    return [node for target in fleet.targets for node in fleet.nodes(target, day)]


def states(nodes: list[ManagedNode]) -> dict[str, dict[str, Any]]:
    return {node.instance_id: node.patch_state for node in nodes if node.patch_state is not None}


def lacks(state: dict[str, Any]) -> bool:
    return any(state[count] > 0 for count in LACKING)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return new_fleet()


@pytest.fixture(scope="module")
def nodes(fleet: Fleet) -> list[ManagedNode]:
    return all_nodes(fleet, LAST)


def test_equal_seeds_give_equal_fleets_and_others_do_not(nodes: list[ManagedNode]) -> None:
    assert all_nodes(new_fleet(), LAST) == nodes
    assert all_nodes(new_fleet(seed=8), LAST) != nodes


def test_the_days_are_the_same_in_whatever_order_they_are_asked_for(fleet: Fleet) -> None:
    forwards = [fleet.nodes(SMALL, day) for day in range(DAYS)]
    other = new_fleet()

    backwards = [other.nodes(SMALL, day) for day in reversed(range(DAYS))]

    assert backwards[::-1] == forwards


def test_a_fleet_of_one_day_is_the_last_day_of_a_longer_one(nodes: list[ManagedNode]) -> None:
    assert all_nodes(new_fleet(days=1), 0) == nodes


def test_the_last_run_is_on_the_first_of_november_at_six(fleet: Fleet) -> None:
    assert fleet.run_at(LAST) == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert fleet.run_at(0).date() == date(2026, 10, 3)


@pytest.mark.parametrize("day", [-1, DAYS])
def test_a_day_outside_the_life_of_the_fleet_is_refused(fleet: Fleet, day: int) -> None:
    with pytest.raises(ValueError, match="the fleet has days 0 to 29"):
        fleet.nodes(HOME, day)


@pytest.mark.parametrize("days", [0, 1000])
def test_a_life_that_the_calendar_does_not_cover_is_refused(days: int) -> None:
    with pytest.raises(ValueError, match="a fleet has 1 to"):
        new_fleet(days=days)


@pytest.mark.parametrize(("nodes", "accounts", "regions"), [(0, 3, 2), (1, 1, 1), (7, 1, 1), (5, 4, 3), (997, 20, 16)])
def test_there_are_as_many_nodes_as_asked_for(nodes: int, accounts: int, regions: int) -> None:
    fleet = new_fleet(nodes=nodes, accounts=accounts, regions=regions, days=2)

    assert len(all_nodes(fleet, 0)) == len(all_nodes(fleet, 1)) == nodes
    assert [len(fleet.nodes(target, 1)) for target in fleet.targets] == [fleet.size(target) for target in fleet.targets]


def test_the_largest_target_has_about_forty_percent_and_the_others_fall_behind(fleet: Fleet) -> None:
    sizes = sorted((fleet.size(target) for target in fleet.targets), reverse=True)

    assert sizes[0] == fleet.size(HOME) == 1600
    assert all(larger > smaller for larger, smaller in pairwise(sizes))


def test_a_target_that_is_not_of_the_fleet_has_no_nodes(fleet: Fleet) -> None:
    assert fleet.nodes(Target("999999999999", "eu-central-1"), 0) == []


def test_nodes_come_sorted_and_no_id_comes_twice(fleet: Fleet, nodes: list[ManagedNode]) -> None:
    ids = [node.instance_id for node in nodes]

    assert len(set(ids)) == len(ids)
    assert [node.instance_id for node in fleet.nodes(HOME, LAST)] == sorted(
        node.instance_id for node in fleet.nodes(HOME, LAST)
    )


def test_every_member_is_valid_by_the_api_model(nodes: list[ManagedNode]) -> None:
    for node in nodes:
        assert complaints(node.information, "InstanceInformation") == []
        if node.patch_state is not None:
            assert complaints(node.patch_state, "InstancePatchState") == []
            assert node.patch_state["InstanceId"] == node.information["InstanceId"] == node.instance_id


def test_nothing_has_happened_after_the_run(fleet: Fleet, nodes: list[ManagedNode]) -> None:
    run_at = fleet.run_at(LAST).timestamp()

    for node in nodes:
        times = {**node.information, **(node.patch_state or {})}
        assert all(value < run_at for name, value in times.items() if isinstance(value, float)), times


def test_a_node_keeps_its_state_until_its_next_operation(fleet: Fleet) -> None:
    kept = renewed = 0
    for day in range(1, DAYS):
        yesterday, today = states(fleet.nodes(SMALL, day - 1)), states(fleet.nodes(SMALL, day))
        for instance_id in yesterday.keys() & today.keys():
            before, after = yesterday[instance_id], today[instance_id]
            if before == after:
                kept += 1
            else:
                assert after["OperationEndTime"] > before["OperationEndTime"] or after["OperationEndTime"] == YEAR_ONE
                renewed += 1

    assert kept > 500
    assert renewed > kept


def test_nodes_come_and_go_and_a_new_one_has_no_state_at_first(fleet: Fleet) -> None:
    yesterday, today = all_nodes(fleet, LAST - 1), all_nodes(fleet, LAST)

    before = {node.instance_id for node in yesterday}
    new = [node for node in today if node.instance_id not in before]

    assert 5 < len(new) == len(before - {node.instance_id for node in today}) < 100
    assert all(node.patch_state is None for node in new)


def test_a_patch_wave_makes_windows_non_compliant_and_windows_of_maintenance_heal_it(fleet: Fleet) -> None:
    lacking = [
        sum(
            node.patch_state["MissingCount"] > 0
            for node in all_nodes(fleet, day)
            if node.patch_state is not None and node.information["PlatformType"] == "Windows"
        )
        for day in (PATCH_WAVE - 1, PATCH_WAVE, PATCH_WAVE + 7)
    ]

    assert lacking[1] > 2 * lacking[0]
    assert lacking[2] < lacking[1] // 2


def test_the_counts_by_severity_add_up_to_what_is_lacking(nodes: list[ManagedNode]) -> None:
    full = [state for state in states(nodes).values() if SEVERITIES[0] in state]

    assert all(sum(state[name] for name in SEVERITIES) == sum(state[name] for name in LACKING) for state in full)


def test_an_ancient_agent_reports_no_counts_by_severity(nodes: list[ManagedNode]) -> None:
    ancient = {n.instance_id for n in nodes if n.information["AgentVersion"] == ANCIENT_AGENT and n.patch_state}

    without = {instance_id for instance_id, state in states(nodes).items() if not set(SEVERITIES) & set(state)}

    assert ancient == without != set()


def test_only_windows_counts_available_security_updates(nodes: list[ManagedNode]) -> None:
    counting = [n for n in nodes if n.patch_state and "AvailableSecurityUpdateCount" in n.patch_state]

    assert {node.information["PlatformType"] for node in counting} == {"Windows"}
    assert any(n.patch_state["UnreportedNotApplicableCount"] > 0 for n in counting if n.patch_state)


def test_the_fleet_has_what_real_fleets_have(fleet: Fleet, nodes: list[ManagedNode]) -> None:
    found = states(nodes)
    month_ago = fleet.run_at(LAST).timestamp() - 30 * 86_400
    ids = Counter((n.instance_id.split("-")[0], len(n.instance_id)) for n in nodes)
    share = {name: count / len(nodes) for name, count in _features(nodes, found, month_ago).items()}

    assert ids.keys() == {("i", 19), ("i", 10), ("mi", 20)}
    assert {node.information["PlatformType"] for node in nodes} == {"Linux", "Windows", "MacOS"}
    assert len({state["PatchGroup"] for state in found.values()}) == 12
    assert {state["Operation"] for state in found.values()} == {"Scan", "Install"}
    assert {n.information["PingStatus"] for n in nodes} == {"Online", "ConnectionLost"}
    assert 0.02 < share["never scanned"] < 0.04
    assert 0.02 < share["stale"] < 0.06
    assert 0.05 < share["lacking"] < 0.20
    assert 0.01 < share["failed"] < 0.05
    assert 0.002 < share["waiting for a reboot"] < 0.05
    assert 0.005 < share["rejected"] < 0.02
    assert 0 < share["year one"] < 0.01
    assert 0 < share["override list"] < 0.02
    assert 0.5 < share["agent out of date"] < 0.9


def _features(nodes: list[ManagedNode], found: dict[str, dict[str, Any]], month_ago: float) -> dict[str, int]:
    values = found.values()
    return {
        "never scanned": len(nodes) - len(found),
        "stale": sum(YEAR_ONE < state["OperationEndTime"] < month_ago for state in values),
        "lacking": sum(map(lacks, values)),
        "failed": sum(state["FailedCount"] > 0 for state in values),
        "waiting for a reboot": sum(state["InstalledPendingRebootCount"] > 0 for state in values),
        "rejected": sum(state["InstalledRejectedCount"] > 0 for state in values),
        "year one": sum(state["OperationEndTime"] == YEAR_ONE for state in values),
        "override list": sum("InstallOverrideList" in state for state in values),
        "agent out of date": sum(not node.information["IsLatestVersion"] for node in nodes),
    }


def test_account_ids_and_names_stay_readable_and_unique() -> None:
    accounts = fleet_accounts(100)

    assert accounts[:3] == (("111122223333", "platform"), ("444455556666", "payments"), ("777788889999", "research"))
    assert len({account.account_id for account in accounts}) == len({account.name for account in accounts}) == 100
    assert all(re.fullmatch(r"\d{12}", account.account_id) for account in accounts)


@pytest.mark.parametrize("count", [0, 17])
def test_a_number_of_regions_that_does_not_exist_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 16 regions"):
        fleet_regions(count)


def complaints(members: dict[str, Any], structure: str) -> list[str]:
    """Return the errors of a structure by the API model."""
    model = shape(structure)
    found = [f"{name} is missing" for name in model.get("required", []) if name not in members]
    for name, value in members.items():
        if name not in model["members"]:
            found.append(f"{name} is unknown")
        elif not fits(value, shape(model["members"][name]["shape"])):
            found.append(f"{name} cannot be {value!r}")
    return found


def fits(value: object, model: dict[str, Any]) -> bool:
    """Whether a value is one that the API model allows, as it looks in JSON."""
    match model["type"]:
        case "string":
            return isinstance(value, str) and _text_fits(value, model)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        case "boolean":
            return isinstance(value, bool)
        case "timestamp":
            return isinstance(value, float)
        case _:
            return isinstance(value, dict)


def _text_fits(value: str, model: dict[str, Any]) -> bool:
    # Python's re has no classes by Unicode property; \w and \s are the letters, digits and spaces, and _.
    pattern = model.get("pattern", "").replace(r"\p{L}\p{Z}\p{N}", r"\w\s")
    return (
        model.get("min", 0) <= len(value) <= model.get("max", 10_000)
        and re.search(pattern, value) is not None
        and value in model.get("enum", [value])
    )
