"""EC2 instances, those that SSM does not manage, and tags, as a report shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from patchlake_cli.report.node_figures import Compliance
from patchlake_cli.report.shortlist import Shortlist


@dataclass(frozen=True, slots=True)
class Management:
    """The number of EC2 instances that are managed in one way, or of which that is not known for one reason."""

    management: str
    unknown_reason: str | None
    instances: int


@dataclass(frozen=True, slots=True)
class UnmanagedInstance:
    """An EC2 instance that runs, and that SSM does not manage; tags are None if they were not read."""

    account_id: str
    account_name: str | None
    region: str
    instance_id: str
    launch_time: datetime | None
    image_id: str | None
    platform_details: str | None
    tags: str | None


@dataclass(frozen=True, slots=True)
class TargetGap:
    """A target of which nodes, instances or tags were not read in full, and the reason of each."""

    account_id: str
    account_name: str | None
    region: str
    nodes_reason: str | None
    instances_reason: str | None
    tags_reason: str | None


@dataclass(frozen=True, slots=True)
class TagValue(Compliance):
    """A tag and its value, or the nodes that have no such tag, whose tags are not known, or that are not in EC2."""

    tag_key: str
    tag_status: str
    tag_value: str | None
    nodes_unread: int


@dataclass(frozen=True, slots=True)
class Ec2:
    """The EC2 instances of a run, and the nodes by the tags of their instances.

    Attributes:
        gaps: the targets of which nodes, instances or tags were not read in full.
        unmanaged: the instances that run unmanaged, those launched first at the top.
    """

    management: Sequence[Management]
    unmanaged: Shortlist[UnmanagedInstance]
    gaps: Shortlist[TargetGap]
    tags: Shortlist[TagValue]
