"""One managed node of the simulated fleet: its identity, and its description by SSM on each day.

A node's day is a pure function of its first draws and of the date. It looks back from that date to the
last night on which something happened to it, so values persist until its next scan or maintenance window. Days are
proleptic ordinals here, as of ``date.toordinal``.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, IntEnum, auto
from functools import cache, partial
from typing import Any, Final, NamedTuple

from patchlake.core.targets import Target
from patchlake_cli.embedded.fleet.catalogue import (
    AGENT_VERSIONS,
    ANCIENT_AGENT,
    CALENDAR_START,
    LAST_DAY,
    PatchGroup,
    Platform,
)
from patchlake_cli.embedded.fleet.dice import Dice, mixed
from patchlake_cli.embedded.fleet.patches import Patches
from patchlake_cli.embedded.fleet.releases import Releases

type Members = dict[str, Any]
"""Members of an API structure by name: times in seconds since the epoch, without absent members."""

YEAR_ONE: Final = -62_135_596_800.0
"""1 January of year 1 in seconds since the epoch: the value that SSM sends if there is no time."""

RUN_SECONDS: Final = 6 * 3600
"""The seconds from midnight UTC to a day's run; every event in a day's answers is earlier."""

FIRST_DAY: Final = CALENDAR_START.toordinal()
FINAL_DAY: Final = LAST_DAY.toordinal()

_DAY_SECONDS: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_AGENTS: Final = tuple((day.toordinal(), version) for day, version in AGENT_VERSIONS)
_NOT_APPLICABLE_LIMIT: Final = 2000
_STATES_WITH_CVES: Final = {"Missing", "Failed"}

PATCH_STATES: Final = {
    "Installed": "InstalledCount",
    "InstalledOther": "InstalledOtherCount",
    "InstalledPendingReboot": "InstalledPendingRebootCount",
    "InstalledRejected": "InstalledRejectedCount",
    "Missing": "MissingCount",
    "Failed": "FailedCount",
    "NotApplicable": "NotApplicableCount",
    "AvailableSecurityUpdate": "AvailableSecurityUpdateCount",
}
"""The states of a patch, each with the member of InstancePatchState that counts its patches."""

# Chances, per mille.
_HYBRID: Final = 80
_IOT_THING: Final = 100
_ANCIENT_AGENT: Final = 20
_ANCIENT_AGENT_IF_NEGLECTED: Final = 300
_REJECTED_PATCHES: Final = 12
_NO_CLOCK: Final = 2
_OVERRIDE_LIST: Final = 30
_WINDOW_MISSED: Final = 50
_SCAN_MISSED: Final = 30
_INSTALL_FAILED: Final = 15
_INSTALL_FAILED_IF_FAILING: Final = 700
_REBOOT_FAILED: Final = 12
_CONNECTION_LOST: Final = 6
_ASSOCIATION_FAILED: Final = 40


class Habit(Enum):
    """The way in which a node is maintained."""

    STEADY = auto()
    NEVER_SCANNED = auto()
    SILENT = auto()
    """From some day on, its agent is lost and no scan arrives."""
    NEGLECTED = auto()
    """From some day on, no maintenance window reaches it, but scans do."""
    FAILING = auto()
    """Most of its patches fail to install."""


@dataclass(frozen=True, slots=True)
class ManagedNode:
    """A managed node on one day, as the operations of SSM describe it.

    Attributes:
        instance_id: unique in the fleet: ``i-`` + 8 or 17 characters, or ``mi-`` + 17.
        information: its members of InstanceInformation.
        patch_state: its members of InstancePatchState, or None where it was never scanned.
        patches: returns its patches in some of ``PATCH_STATES``, each with its members of PatchComplianceData.
    """

    instance_id: str
    information: Members
    patch_state: Members | None
    patches: Callable[[Container[str]], Sequence[Members]] = field(compare=False, repr=False)


class _About(IntEnum):
    """The subject of a draw of a day: draws about different things are independent."""

    WINDOW = 1
    SCAN = 2
    FAILURE = 3
    REBOOT = 4
    SEVERITY = 5
    CONNECTION = 6
    ASSOCIATION = 7
    DURATION = 8


class _Operation(NamedTuple):
    day: int
    installing: bool


class Profile(NamedTuple):
    """The profile of a node, before the random draws.

    Attributes:
        target: the target of the node.
        platform: the platform of the node.
        releases: the calendar of the patches of that platform.
        patches: the patches themselves.
        group: the patch group it is tagged with.
        habit: the habit of the node.
        short_id: the 8 characters of its id if it has the short form, else None.
        launched: the day of its launch; its first scan is in a later night.
    """

    target: Target
    platform: Platform
    releases: Releases
    patches: Patches
    group: PatchGroup
    habit: Habit
    short_id: str | None
    launched: int


class Node:
    """A node, from the day it was launched.

    Args:
        dice: the draws about it.
        profile: the rest.
    """

    def __init__(self, dice: Dice, profile: Profile) -> None:
        target, platform, self._releases, self._patches, group, habit, short_id, self._launched = profile
        self._platform = platform
        self._group = group
        self._habit = habit
        self._word = dice.below(1 << 64)
        self._silent_from = FINAL_DAY - dice.below(118) if habit is Habit.SILENT else FINAL_DAY + 1
        self._neglected_from = FINAL_DAY - 20 - dice.below(280) if habit is Habit.NEGLECTED else FINAL_DAY + 1
        self._agent_lag_days = dice.below(40)
        self._ancient_agent = dice.per_mille(
            _ANCIENT_AGENT_IF_NEGLECTED if habit is Habit.NEGLECTED else _ANCIENT_AGENT
        )
        self._scan_seconds = 1800 + dice.below(13_500) + dice.below(1000) / 1000
        self._affected_per_mille = dice.below(1000) ** 2 // 1000
        self._installed = dice.between(platform.installed)
        self._installed_other = dice.below(self._installed + 40)
        self._not_applicable = dice.between(platform.not_applicable)
        self._rejected = 1 + dice.below(2) if dice.per_mille(_REJECTED_PATCHES) else 0
        self._no_clock = dice.per_mille(_NO_CLOCK)
        self._override_list = _override_list(self._word) if dice.per_mille(_OVERRIDE_LIST) else None
        self._baseline_id = _baseline_id(target.region, platform, group)
        hybrid = short_id is None and platform.platform_type != "MacOS" and dice.per_mille(_HYBRID)
        suffix = f"0{dice.hexadecimal(16)}"
        self.instance_id = f"i-{short_id}" if short_id else f"mi-{suffix}" if hybrid else f"i-{suffix}"
        self._identity = (
            _hybrid(dice, self.instance_id, platform) if hybrid else _ec2(dice, self.instance_id, target, platform)
        )

    def on(self, today: int) -> ManagedNode:
        """Return the node as SSM describes it on a day, at the time of that day's run."""
        operation = self._last_operation(today)
        if operation is None:
            return ManagedNode(self.instance_id, self._information(today), None, lambda _states: ())
        patch_state = self._patch_state(operation.day, installing=operation.installing)
        patches = partial(self._patches_on, operation.day, patch_state)
        return ManagedNode(self.instance_id, self._information(today), patch_state, patches)

    def _chance(self, day: int, about: _About, limit: int) -> int:
        return mixed(self._word, day, about) % limit

    def _is_patched(self, day: int) -> bool:
        """Whether the maintenance window of a day, if there is one, reaches the node."""
        return (
            _weekday(day) == self._group.window_weekday
            and day < min(self._neglected_from, self._silent_from)
            and self._chance(day, _About.WINDOW, 1000) >= _WINDOW_MISSED
        )

    def _last_operation(self, today: int) -> _Operation | None:
        """Return the last operation by a day, None if there was none."""
        if self._habit is Habit.NEVER_SCANNED:
            return None
        for day in range(min(today, self._silent_from - 1), self._launched, -1):
            if self._is_patched(day):
                return _Operation(day, installing=True)
            if self._chance(day, _About.SCAN, 1000) >= _SCAN_MISSED:
                return _Operation(day, installing=False)
        return None

    def _last_patched(self, day: int) -> int:
        """Return the day of the last window that reached the node by a day, else the day of its launch."""
        day = min(day, self._neglected_from - 1)
        last_window = day - (_weekday(day) - self._group.window_weekday) % 7
        windows = range(last_window, self._launched, -7)
        return next((window for window in windows if self._is_patched(window)), self._launched)

    def _patch_state(self, day: int, *, installing: bool) -> Members:
        patched = self._last_patched(day)
        installed, failed, pending = self._outcome(patched, day)
        missing = self._affected(self._releases.approved(day) - self._releases.approved(patched))
        not_applicable = self._not_applicable + self._releases.approved(day) // 8
        start, end = self._operation_times(day, installing=installing)
        state: Members = {
            "InstanceId": self.instance_id,
            "PatchGroup": self._group.name,
            "BaselineId": self._baseline_id,
            "SnapshotId": self._snapshot_id(day),
            "InstalledCount": self._installed + installed,
            "InstalledOtherCount": self._installed_other,
            "InstalledPendingRebootCount": pending,
            "InstalledRejectedCount": self._rejected,
            "MissingCount": missing,
            "FailedCount": failed,
            "NotApplicableCount": min(not_applicable, _NOT_APPLICABLE_LIMIT),
            "OperationStartTime": start,
            "OperationEndTime": end,
            "Operation": "Install" if installing else "Scan",
            "RebootOption": "RebootIfNeeded" if installing and self._group.reboots else "NoReboot",
        }
        if installing and self._override_list is not None:
            state["InstallOverrideList"] = self._override_list
        if not self._group.reboots and patched > self._launched:
            state["LastNoRebootInstallOperationTime"] = self._operation_times(patched, installing=True)[1]
        if not self._ancient_agent:
            state |= self._severities(day, missing + failed + pending + self._rejected)
            state["UnreportedNotApplicableCount"] = max(not_applicable - _NOT_APPLICABLE_LIMIT, 0)
            if self._platform.platform_type == "Windows":
                state["AvailableSecurityUpdateCount"] = self._affected(self._releases.awaiting_approval(day))
        return state

    def _patches_on(self, day: int, counts: Members, states: Container[str]) -> Sequence[Members]:
        """Return the patches of a day's operation, as many in each of these states as its patch state counts."""
        patched, patches = self._last_patched(day), self._patches
        week_before, through, approved = (self._releases.approved(each) for each in (patched - 7, patched, day))
        available = approved + self._releases.awaiting_approval(day)
        number = {state: counts.get(member, 0) for state, member in PATCH_STATES.items()}
        installed = number["Installed"]
        fresh = patches.lacking(self._word, self._affected_per_mille, week_before, through)
        missing = patches.lacking(self._word, self._affected_per_mille, through, approved)
        unapproved = patches.lacking(self._word, self._affected_per_mille, approved, available)
        found = {
            "Installed": map(patches.installed, range(installed)),
            "InstalledOther": map(patches.installed, range(installed, installed + number["InstalledOther"])),
            "InstalledPendingReboot": map(patches.released, fresh[: number["InstalledPendingReboot"]]),
            "InstalledRejected": map(patches.rejected, range(number["InstalledRejected"])),
            "Missing": map(patches.released, missing),
            "Failed": map(patches.released, patches.failing(self._word, number["Failed"], week_before)),
            "NotApplicable": map(patches.not_applicable, range(number["NotApplicable"])),
            "AvailableSecurityUpdate": map(patches.released, unapproved[: number["AvailableSecurityUpdate"]]),
        }
        installed_at = self._operation_times(patched, installing=True)[1]
        return [
            {
                "Title": patch.title,
                "KBId": patch.kb_id,
                "Classification": patch.classification,
                "Severity": patch.severity,
                "State": state,
                "InstalledTime": installed_at if state.startswith("Installed") else 0.0,
                **({"CVEIds": patch.cve_ids} if patch.cve_ids and state in _STATES_WITH_CVES else {}),
            }
            for state, patches_in_state in found.items()
            if state in states
            for patch in patches_in_state
        ]

    def _affected(self, patches: int) -> int:
        """Return the number of a platform's patches that concern the packages on this node."""
        return patches * self._affected_per_mille // 1000

    def _outcome(self, patched: int, day: int) -> tuple[int, int, int]:
        """Return the state after the last window: patches ever installed, failed, and waiting for a reboot."""
        installed = self._affected(self._releases.approved(patched)) // 8
        if patched == self._launched:
            return installed, 0, 0
        chance = _INSTALL_FAILED_IF_FAILING if self._habit is Habit.FAILING else _INSTALL_FAILED
        draw = self._chance(patched, _About.FAILURE, 1000)
        failed = 1 + draw % 3 if draw < chance else 0
        fresh = self._affected(self._releases.approved(patched) - self._releases.approved(patched - 7))
        draw = self._chance(patched, _About.REBOOT, 1000)
        waiting = draw < _REBOOT_FAILED if self._group.reboots else day <= patched + draw % 9
        return installed, failed, min(fresh, 4) if waiting else 0

    def _severities(self, day: int, lacking: int) -> Members:
        draw = self._chance(day, _About.SEVERITY, 10_000)
        critical = (lacking * self._platform.critical_percent + draw % 100) // 100
        security = ((lacking - critical) * 60 + draw // 100) // 100
        return {
            "CriticalNonCompliantCount": critical,
            "SecurityNonCompliantCount": security,
            "OtherNonCompliantCount": lacking - critical - security,
        }

    def _operation_times(self, day: int, *, installing: bool) -> tuple[float, float]:
        """Return the start and the end of a day's operation."""
        if self._no_clock:
            return YEAR_ONE, YEAR_ONE
        duration = self._chance(day, _About.DURATION, 400_000) / 1000
        if installing:
            return _moment(day, 3600 + self._scan_seconds / 4), _moment(
                day, 3720 + self._scan_seconds / 4 + 4 * duration
            )
        return _moment(day, self._scan_seconds), _moment(day, self._scan_seconds + 15 + duration)

    def _snapshot_id(self, day: int) -> str:
        return Dice(self._word, day).uuid()

    def _information(self, today: int) -> Members:
        agent, is_latest = self._agent(today)
        return {
            **self._identity,
            **self._connection(today),
            **self._association(today),
            "AgentVersion": agent,
            "IsLatestVersion": is_latest,
        }

    def _connection(self, today: int) -> Members:
        draw = mixed(self._word, today, _About.CONNECTION)
        if today >= self._silent_from:
            status, last_ping = "ConnectionLost", _moment(self._silent_from, 0)
        elif draw % 1000 < _CONNECTION_LOST:
            status, last_ping = "ConnectionLost", _moment(today, RUN_SECONDS - 3600 - draw % 14_400)
        else:
            status, last_ping = "Online", _moment(today, RUN_SECONDS - draw % 300_000 / 1000)
        return {"PingStatus": status, "LastPingDateTime": last_ping}

    def _association(self, today: int) -> Members:
        day = min(today, self._silent_from - 1)
        if day <= self._launched:
            return {"AssociationStatus": "Pending"}
        status = "Failed" if self._chance(day, _About.ASSOCIATION, 1000) < _ASSOCIATION_FAILED else "Success"
        return {
            "AssociationStatus": status,
            "LastAssociationExecutionDate": _moment(day, self._scan_seconds),
            "LastSuccessfulAssociationExecutionDate": _moment(day - (status == "Failed"), self._scan_seconds),
            "AssociationOverview": {
                "DetailedStatus": status,
                "InstanceAssociationStatusAggregatedCount": {status: 1},
            },
        }

    def _agent(self, today: int) -> tuple[str, bool]:
        if self._ancient_agent:
            return ANCIENT_AGENT, False
        updated = min(today, self._silent_from) - self._agent_lag_days
        version = _latest_agent(max(updated, FIRST_DAY))
        return version, version == _latest_agent(today)


@cache
def _latest_agent(day: int) -> str:
    return max(agent for agent in _AGENTS if agent[0] <= day)[1]


def _weekday(day: int) -> int:
    return (day + 6) % 7


def _moment(day: int, seconds: float) -> float:
    """Return a time of a day in seconds since the epoch, to the millisecond, as the service sends it."""
    return round((day - _EPOCH) * _DAY_SECONDS + float(seconds), 3)


def _override_list(word: int) -> str:
    if word % 2:
        return "s3://patch-override-lists/emergency/2026-10.yaml"
    return f"https://patch-override-lists.s3.amazonaws.com/2026-10.yaml?X-Amz-Signature={word:064x}"


@cache
def _baseline_id(region: str, platform: Platform, group: PatchGroup) -> str:
    if group.custom_baseline:
        return f"pb-{Dice(0, region, group.name, platform.platform_type, platform.name).hexadecimal(17)}"
    provided = Dice(0, region, platform.name, platform.version).hexadecimal(17)
    return f"arn:aws:ssm:{region}:075727635805:patchbaseline/pb-{provided}"


def _node_identity(dice: Dice, instance_id: str, platform: Platform) -> Members:
    return {
        "InstanceId": instance_id,
        "PlatformType": platform.platform_type,
        "PlatformName": platform.name,
        "PlatformVersion": platform.version,
        "IPAddress": f"10.{dice.below(256)}.{dice.below(256)}.{dice.below(254) + 1}",
    }


def _ec2(dice: Dice, instance_id: str, target: Target, platform: Platform) -> Members:
    identity = _node_identity(dice, instance_id, platform)
    if platform.platform_type == "Windows":
        computer_name = f"EC2AMAZ-{dice.hexadecimal(7).upper()}"
    else:
        computer_name = f"ip-{identity['IPAddress'].replace('.', '-')}.{target.region}.compute.internal"
    return {
        **identity,
        "ComputerName": computer_name,
        "ResourceType": "EC2Instance",
        "SourceId": instance_id,
        "SourceType": "AWS::EC2::Instance",
    }


def _hybrid(dice: Dice, instance_id: str, platform: Platform) -> Members:
    name = f"edge-{dice.hexadecimal(6)}"
    is_thing = dice.per_mille(_IOT_THING)
    return {
        **_node_identity(dice, instance_id, platform),
        "ComputerName": f"{name}.example.com",
        "ResourceType": "ManagedInstance",
        "Name": name,
        "ActivationId": dice.uuid(),
        "IamRole": "service-role/SystemsManagerHybridNodes",
        "RegistrationDate": _moment(FIRST_DAY + dice.below(500), dice.below(_DAY_SECONDS)),
        "SourceId": name if is_thing else instance_id,
        "SourceType": "AWS::IoT::Thing" if is_thing else "AWS::SSM::ManagedInstance",
    }
