"""The common part of these scripts: the SDK's paginators, one call after the other, over one or more regions.

SCRIPT OUT REGION …                    the patch states of every node that SSM lists in these regions
SCRIPT OUT REGION --ids FILE           the patch states of the nodes of a file, a JSON list of ids
SCRIPT OUT REGION --patches-of FILE    the patches that these nodes lack
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

STATES = ["Missing", "Failed", "InstalledPendingReboot", "InstalledRejected", "AvailableSecurityUpdate"]

out = sys.argv[1]


def pages() -> Iterator[list[Any]]:
    """Yield the rows of a call at a time."""
    match sys.argv[2:]:
        case [region, "--ids", file]:
            yield from patch_states(boto3.client("ssm", region_name=region), json.loads(Path(file).read_text()))
        case [region, "--patches-of", file]:
            yield from patches(boto3.client("ssm", region_name=region), json.loads(Path(file).read_text()))
        case regions:
            for region in regions:
                ssm = boto3.client("ssm", region_name=region)
                yield from patch_states(ssm, listed(ssm))


def patch_states(ssm: Any, nodes: list[str]) -> Iterator[list[Any]]:  # noqa: ANN401  # the SDK makes its clients at run time
    """Yield the patch states of fifty nodes at a time."""
    paginator = ssm.get_paginator("describe_instance_patch_states")
    for start in range(0, len(nodes), 50):
        for page in paginator.paginate(InstanceIds=nodes[start : start + 50]):
            yield page["InstancePatchStates"]


def patches(ssm: Any, nodes: list[str]) -> Iterator[list[Any]]:  # noqa: ANN401
    """Yield the patches of one node after the other, each with the id of its node."""
    paginator = ssm.get_paginator("describe_instance_patches")
    for node in nodes:
        for page in paginator.paginate(InstanceId=node, Filters=[{"Key": "State", "Values": STATES}]):
            yield [{"InstanceId": node, **patch} for patch in page["Patches"]]


def listed(ssm: Any) -> list[str]:  # noqa: ANN401
    """Return the ids of every managed node of a region."""
    paginator = ssm.get_paginator("describe_instance_information")
    return [
        node["InstanceId"]
        for page in paginator.paginate(PaginationConfig={"PageSize": 50})
        for node in page["InstanceInformationList"]
    ]
