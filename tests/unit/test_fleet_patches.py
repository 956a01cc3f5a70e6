"""The patches of the simulated fleet: as many as the counts say, with the texts that real systems have."""

import re
from collections import Counter, defaultdict
from typing import Any

import pytest

from patchlake.core.targets import Target
from patchlake_cli.embedded.fleet.catalogue import PLATFORMS, fleet_accounts, fleet_regions
from patchlake_cli.embedded.fleet.fleet import Fleet
from patchlake_cli.embedded.fleet.node import PATCH_STATES, ManagedNode
from patchlake_cli.embedded.fleet.patch_lines import vendor_of
from tests.ssm_model import shape

DAYS = 30
LAST = DAYS - 1
HOME = Target("111122223333", "eu-central-1")
OPEN = ("Missing", "Failed", "InstalledPendingReboot", "InstalledRejected")

type Patch = dict[str, Any]


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet(seed=7, nodes=1200, accounts=fleet_accounts(1), regions=fleet_regions(1), days=DAYS)


@pytest.fixture(scope="module")
def nodes(fleet: Fleet) -> list[ManagedNode]:
    return [node for node in fleet.nodes(HOME, LAST) if node.patch_state is not None]


@pytest.fixture(scope="module")
def open_patches(nodes: list[ManagedNode]) -> list[tuple[str, Patch]]:
    """Every open patch of the last day, with the name of its platform."""
    return [(node.information["PlatformName"], patch) for node in nodes for patch in node.patches(OPEN)]


def line(patch: Patch) -> str:
    """Return the line of a patch: what stays the same when the next one replaces it."""
    return (
        re.sub(r"\d{4}-\d\d|\(KB\d+\)|v?\d+(\.\d+)+|CU\d+", "", patch["Title"]) if _is_article(patch) else patch["KBId"]
    )


def newest_missing(node: ManagedNode) -> dict[str, str]:
    """Return the newest title of each line that a node lacks; those that it replaces come after it."""
    return {line(patch): patch["Title"] for patch in reversed(node.patches({"Missing"}))}


def _is_article(patch: Patch) -> bool:
    return re.fullmatch(r"KB\d+", patch["KBId"]) is not None


def test_a_node_has_as_many_patches_in_each_state_as_its_state_counts(fleet: Fleet) -> None:
    for day in (0, LAST):
        for node in fleet.nodes(HOME, day):
            state = node.patch_state or {}
            found = Counter(patch["State"] for patch in node.patches((*OPEN, "AvailableSecurityUpdate")))

            assert found == Counter(
                {name: state.get(PATCH_STATES[name], 0) for name in (*OPEN, "AvailableSecurityUpdate")}
            )


def test_so_have_a_few_nodes_of_each_platform_in_the_other_states(nodes: list[ManagedNode]) -> None:
    by_platform = {node.information["PlatformName"] + node.information["PlatformVersion"]: node for node in nodes}

    assert len(by_platform) == len(PLATFORMS)
    for node in by_platform.values():
        patches = node.patches(PATCH_STATES)
        counts = Counter({name: (node.patch_state or {}).get(member, 0) for name, member in PATCH_STATES.items()})
        assert Counter(patch["State"] for patch in patches) == counts
        assert len({(patch["KBId"], patch["Title"]) for patch in patches}) == len(patches)


def test_every_member_is_valid_by_the_api_model(nodes: list[ManagedNode]) -> None:
    model = shape("PatchComplianceData")

    for patch in (patch for node in nodes for patch in node.patches(PATCH_STATES if node is nodes[0] else OPEN)):
        assert set(model["required"]) <= patch.keys() <= model["members"].keys()
        assert all(isinstance(value, float if name == "InstalledTime" else str) for name, value in patch.items())


def test_only_what_is_installed_has_a_time_and_only_what_is_not_has_cves(nodes: list[ManagedNode]) -> None:
    for patch in (patch for node in nodes for patch in node.patches(OPEN)):
        assert (patch["InstalledTime"] != 0.0) == patch["State"].startswith("Installed")
        assert "CVEIds" not in patch or patch["State"] in {"Missing", "Failed"}
        assert all(re.fullmatch(r"CVE-\d{4}-\d{4,5}", cve) for cve in patch.get("CVEIds", "CVE-2026-1000").split(","))


def test_the_texts_are_those_of_each_platform(open_patches: list[tuple[str, Patch]]) -> None:
    forms = {
        "Amazon Linux": r"[\w.-]+\.x86_64:[01]:[\w.]+-\d+\.amzn2023\.0\.1",
        "Ubuntu": r"[\w.-]+:[\w.]+-0ubuntu0\.2[24]\.04\.\d+",
        "Red Hat Enterprise Linux": r"[\w.-]+\.x86_64:[01]:[\w.]+-\d+\.el9_4",
        "SLES": r"[\w.-]+\.x86_64:[01]:[\w.]+-\d+\.150600\.3\.1",
        "Microsoft Windows Server 2019 Datacenter": r".*KB\d{6,7}.*",
        "Microsoft Windows Server 2022 Datacenter": r".*KB\d{6,7}.*",
    }
    found = defaultdict(set)
    for platform, patch in open_patches:
        if platform in forms:
            assert re.fullmatch(forms[platform], patch["Title"]), patch
            found[platform].add(patch["Severity"])

    assert found.keys() == forms.keys()
    assert {"Important", "Medium", "Low", "Critical", ""} == found["Amazon Linux"]
    assert {"Important", "Required", "Standard", "Optional"} == found["Ubuntu"]
    assert {"Moderate", "Important", "Low", "Critical", ""} == found["Red Hat Enterprise Linux"]
    assert {"Unspecified", "Critical"} <= found["Microsoft Windows Server 2022 Datacenter"]


def test_a_cumulative_update_resolves_many_cves_and_both_servers_share_them(
    open_patches: list[tuple[str, Patch]],
) -> None:
    cumulative = {
        platform: {cve for name, patch in open_patches if name == platform for cve in _cves_of_october(patch)}
        for platform in {name for name, _ in open_patches if "Windows" in name}
    }

    first, second = cumulative.values()
    assert first == second
    assert len(first) > 15


def _cves_of_october(patch: Patch) -> list[str]:
    is_cumulative = re.match(r"2026-10 Cumulative Update for (Windows|Microsoft) ", patch["Title"])
    return patch.get("CVEIds", "").split(",") if is_cumulative and "CVEIds" in patch else []


def test_one_cve_concerns_several_linux_systems(open_patches: list[tuple[str, Patch]]) -> None:
    platforms = defaultdict(set)
    for platform, patch in open_patches:
        for cve in patch.get("CVEIds", "").split(","):
            platforms[cve].add(platform)

    assert any({"Amazon Linux", "Ubuntu"} <= found for cve, found in platforms.items() if cve)


def test_a_line_stays_open_until_the_node_is_patched_and_its_newest_patch_replaces_the_others(fleet: Fleet) -> None:
    replaced = kept = 0
    for day in range(12, DAYS, 4):
        before = {node.instance_id: node for node in fleet.nodes(HOME, day - 4)}
        for node in fleet.nodes(HOME, day):
            if not _is_scanned_again(before.get(node.instance_id), node):
                continue
            old, new = newest_missing(before[node.instance_id]), newest_missing(node)
            assert old.keys() <= new.keys()
            kept += len(old)
            replaced += sum(old[name] != new[name] for name in old)

    assert 10 < replaced < kept / 5


def _is_scanned_again(before: ManagedNode | None, node: ManagedNode) -> bool:
    """Whether a node was scanned between two days, and not patched; only nodes that do not reboot name the time."""
    if before is None or before.patch_state is None or node.patch_state is None:
        return False
    times = [state.get("LastNoRebootInstallOperationTime") for state in (before.patch_state, node.patch_state)]
    return node.patch_state != before.patch_state and times[0] is not None and times[0] == times[1]


def test_every_platform_has_its_patches() -> None:
    for platform in PLATFORMS:
        vendor = vendor_of(platform)
        assert len({each.title for each in vendor.lines}) == len(vendor.lines) > platform.release_size[1] / 2
