"""The EC2 instances of a target: those of its managed nodes, and those that Systems Manager does not manage.

The instance of a node runs, since Systems Manager does not list the nodes of others; its agent may be silent. The other
instances are the ones that a list of managed nodes lacks: running without an agent, stopped, just launched, terminated,
or managed by another service of AWS.
Everything is a pure function of the seed, the nodes and the day.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from patchlake.core.targets import Target
from patchlake_cli.embedded.fleet.dice import Dice
from patchlake_cli.embedded.fleet.node import ManagedNode, Members

_OWNERS: Final = ("web", "payments", "data", "Büro Köln", "データ基盤", "platform-team@example.com")
_ENVIRONMENTS: Final = ("prod", "prod", "prod", "staging", "dev")
_TYPES: Final = ("m5.large", "c6g.xlarge", "t3.micro", "r6i.2xlarge")
_ZONES: Final = "abc"
_CODES: Final = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
_WINDOWS: Final = "Windows"
_OPERATOR: Final = {"Managed": True, "Principal": "eks.amazonaws.com"}
_SHORTEST_UPTIME: Final = timedelta(hours=20)

# Chances, per mille, of the instances of nodes.
_NO_OWNER: Final = 100
_MISSPELT_OWNER: Final = 30
_SPOT: Final = 60


class _Kind(NamedTuple):
    """A kind of instance that Systems Manager does not manage.

    Attributes:
        per_mille: its number, of 1,000 nodes; where there are nodes, there is at least one.
        reason: of the state, with a place for its time.
        age: of its last launch at the time of the run, at least and at most; None if it was launched long before.
    """

    per_mille: int
    state: str
    reason: str = ""
    age: tuple[timedelta, timedelta] | None = None
    is_operated: bool = False


_KINDS: Final = (
    _Kind(45, "running"),
    _Kind(25, "stopped", "User initiated ({:%Y-%m-%d %H:%M:%S} GMT)"),
    _Kind(6, "pending", age=(timedelta(seconds=5), timedelta(minutes=1))),
    _Kind(6, "running", age=(timedelta(minutes=2), timedelta(minutes=20))),
    _Kind(4, "terminated", "Server.SpotInstanceTermination: Spot instance termination"),
    _Kind(12, "running", is_operated=True),
)


@dataclass(frozen=True, slots=True)
class Instance:
    """An EC2 instance on one day.

    Attributes:
        instance_id: unique in the fleet.
        members: its members of Instance in DescribeInstances, but for the tags.
        tags: all of its tags.
    """

    instance_id: str
    members: Members
    tags: Mapping[str, str]


def instances_of(seed: int, target: Target, nodes: Sequence[ManagedNode], run_at: datetime) -> list[Instance]:
    """Return the instances of a target at the time of a day's run."""
    return [*_managed(seed, target, nodes, run_at), *_others(seed, target, len(nodes), run_at)]


def _managed(seed: int, target: Target, nodes: Sequence[ManagedNode], run_at: datetime) -> Iterator[Instance]:
    for node in nodes:
        known = node.information
        if known["ResourceType"] != "EC2Instance":
            continue
        members = _members(
            seed,
            target,
            node.instance_id,
            state="running",
            launched=_launched(Dice(seed, "instance", node.instance_id), run_at),
            platform=known["PlatformType"],
        )
        members["PrivateIpAddress"] = known["IPAddress"]
        members["PrivateDnsName"] = known["ComputerName"]
        members["IamInstanceProfile"] = {"Arn": f"arn:aws:iam::{target.account_id}:instance-profile/managed"}
        yield Instance(node.instance_id, members, _tags(seed, node.instance_id, known["ComputerName"]))


def _others(seed: int, target: Target, nodes: int, run_at: datetime) -> Iterator[Instance]:
    for place, kind in enumerate(_KINDS):
        for number in range(max(1, nodes * kind.per_mille // 1000) if nodes else 0):
            dice = Dice(seed, "unmanaged", *target, place, number)
            # The instances of nodes have a 0 here.
            instance_id = f"i-1{dice.hexadecimal(16)}"
            launched = _launched(dice, run_at, kind.age)
            members = _members(
                seed,
                target,
                instance_id,
                state=kind.state,
                launched=launched,
                platform="Linux",
                reason=kind.reason.format(launched + _SHORTEST_UPTIME / 2),
            )
            if kind.is_operated:
                members["Operator"] = _OPERATOR
            yield Instance(instance_id, members, _tags(seed, instance_id, f"unmanaged-{place}-{number}"))


def _launched(dice: Dice, run_at: datetime, age: tuple[timedelta, timedelta] | None = None) -> datetime:
    """Return the last launch: of that age, or else the same for many days, until the instance is started again."""
    if age is None:
        period = dice.between((20, 300))
        return run_at - timedelta(days=(run_at.toordinal() + dice.below(period)) % period) - _SHORTEST_UPTIME
    least, most = age
    return run_at - least - timedelta(seconds=dice.below(int((most - least).total_seconds())))


def _members(  # noqa: PLR0913
    seed: int, target: Target, instance_id: str, *, state: str, launched: datetime, platform: str, reason: str = ""
) -> dict[str, Any]:
    dice = Dice(seed, "hardware", instance_id)
    instance_type = _TYPES[dice.below(len(_TYPES))]
    address = f"10.{dice.below(256)}.{dice.below(256)}.{dice.below(254) + 1}"
    members: dict[str, Any] = {
        "InstanceId": instance_id,
        "ImageId": f"ami-0{Dice(seed, 'image', target.region, platform, dice.below(3)).hexadecimal(16)}",
        "State": {"Code": _CODES[state], "Name": state},
        "StateTransitionReason": reason,
        "LaunchTime": launched.astimezone(UTC),
        "InstanceType": instance_type,
        "Architecture": "arm64" if "g." in instance_type else "x86_64",
        "PlatformDetails": _WINDOWS if platform == _WINDOWS else "Linux/UNIX",
        "PrivateIpAddress": address,
        "Placement": {
            "AvailabilityZone": f"{target.region}{_ZONES[dice.below(len(_ZONES))]}",
            "Tenancy": "default",
        },
        "Operator": {"Managed": False},
    }
    if state not in {"terminated", "pending"}:
        members["VpcId"] = f"vpc-0{Dice(seed, 'vpc', *target, dice.below(2)).hexadecimal(16)}"
    if dice.per_mille(_SPOT):
        members["InstanceLifecycle"] = "spot"
    return members


def _tags(seed: int, instance_id: str, name: str) -> dict[str, str]:
    """Return an instance's tags: some have no owner, or name it under a key of another case."""
    dice = Dice(seed, "tags", instance_id)
    draw = dice.below(1000)
    owner = _OWNERS[dice.below(len(_OWNERS))]
    tags = {"Name": name, "Environment": _ENVIRONMENTS[dice.below(len(_ENVIRONMENTS))], "CostCenter": f"{draw:04d}"}
    if draw < _MISSPELT_OWNER:
        return tags | {"owner": owner}
    return tags if draw < _MISSPELT_OWNER + _NO_OWNER else tags | {"Owner": owner}
