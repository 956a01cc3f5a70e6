"""The EC2 instances of each target: EC2 DescribeInstances.

SSM lists only the nodes that it manages; this listing has every instance, managed or not. The answers contain all tags
and addresses of each instance: the columns below are all that is read of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from patchlake.core.plan import Plan
from patchlake.core.records import NodeRecord, Page, record_type
from patchlake.core.rows import record_values, target_columns
from patchlake.core.tables import (
    INSTANCE_ID,
    RUN_COLUMNS,
    TARGET_COLUMNS,
    Column,
    Columns,
    ColumnType,
    Table,
    string,
    timestamp,
)
from patchlake.core.targets import RunTarget
from patchlake.sources.source import ListingSource, Operation

INSTANCE_COLUMNS = (
    string("state", "pending, running, shutting-down, terminated, stopping or stopped.", "State.Name"),
    string(
        "state_transition_reason",
        "Why the instance is in this state; empty if EC2 gives no reason.",
        "StateTransitionReason",
    ),
    timestamp("launch_time", "When the instance was last started, not when it was created.", "LaunchTime"),
    string("instance_type", "The instance type.", "InstanceType"),
    string("architecture", "The architecture of the image.", "Architecture"),
    string("platform_details", "The operating system, as EC2 bills it.", "PlatformDetails"),
    string("image_id", "The AMI that the instance was launched from.", "ImageId"),
    string("vpc_id", "The VPC of the instance.", "VpcId"),
    string("availability_zone", "The Availability Zone of the instance.", "Placement.AvailabilityZone"),
    string("iam_instance_profile", "The ARN of the instance profile; NULL if there is none.", "IamInstanceProfile.Arn"),
    string(
        "instance_lifecycle",
        "spot, scheduled, capacity-block or interruptible-capacity-reservation; NULL for an On-Demand instance.",
        "InstanceLifecycle",
    ),
    Column(
        "operator_managed",
        ColumnType.BOOLEAN,
        "Whether an AWS service manages the instance.",
        "Operator.Managed",
    ),
    string("operator_principal", "The service that manages the instance; NULL if there is none.", "Operator.Principal"),
)

_ADDRESSES = "addresses and names derived from them are sensitive, and no query needs them"
_HARDWARE = "no query about patches needs it"

INSTANCE_MEMBERS_LEFT_OUT = {
    "Tags": "tags with any key; the source tags has those with allowed keys",
    **dict.fromkeys(
        (
            "Ipv6Address",
            "NetworkInterfaces",
            "PrivateDnsName",
            "PrivateDnsNameOptions",
            "PrivateIpAddress",
            "PublicDnsName",
            "PublicIpAddress",
            "SecondaryInterfaces",
        ),
        _ADDRESSES,
    ),
    **dict.fromkeys(
        (
            "AmiLaunchIndex",
            "BlockDeviceMappings",
            "BootMode",
            "CapacityBlockId",
            "CapacityReservationId",
            "CapacityReservationSpecification",
            "ClientToken",
            "CpuOptions",
            "CurrentInstanceBootMode",
            "EbsOptimized",
            "ElasticGpuAssociations",
            "ElasticInferenceAcceleratorAssociations",
            "EnaSupport",
            "EnclaveOptions",
            "HibernationOptions",
            "Hypervisor",
            "KernelId",
            "KeyName",
            "Licenses",
            "MaintenanceOptions",
            "MetadataOptions",
            "Monitoring",
            "NetworkPerformanceOptions",
            "OutpostArn",
            "Platform",
            "ProductCodes",
            "RamdiskId",
            "RootDeviceName",
            "RootDeviceType",
            "SecurityGroups",
            "SourceDestCheck",
            "SpotInstanceRequestId",
            "SriovNetSupport",
            "StateReason",
            "SubnetId",
            "TpmSupport",
            "UsageOperation",
            "UsageOperationUpdateTime",
            "VirtualizationType",
        ),
        _HARDWARE,
    ),
}
"""Members of Instance that the table leaves out, each with the reason."""

INSTANCE = replace(INSTANCE_ID, description="The EC2 instance: i- and 8 or 17 characters.")

Instance = record_type("Instance", INSTANCE_COLUMNS, NodeRecord)
"""An instance as DescribeInstances describes it."""


def _request(_ids: Sequence[str], _plan: Plan) -> dict[str, Any]:
    return {"IncludeManagedResources": True}


def _rows(run_target: RunTarget, page: Page[NodeRecord], plan: Plan) -> Columns:
    named = page.named_rows()
    return {
        **target_columns(run_target, len(named)),
        "instance_id": [row.instance_id for row in named],
        **record_values(
            INSTANCE_COLUMNS,
            [row.record for row in named],
            include_sensitive_fields=plan.include_sensitive_fields,
        ),
    }


INSTANCES = ListingSource(
    name="instances",
    operation=Operation(
        service="ec2",
        name="DescribeInstances",
        rows_member="Reservations.Instances",
        record=Instance,
        page_size=1000,
        id_member=INSTANCE.member,
        request=_request,
    ),
    table=Table(
        "instances",
        "One row per EC2 instance, per run, whether or not SSM manages it. A value that breaks a rule is NULL.",
        (*RUN_COLUMNS, *TARGET_COLUMNS, INSTANCE, *INSTANCE_COLUMNS),
    ),
    row_key=("instance_id",),
    rows=_rows,
)
