"""The common part of these scripts: the SDK's paginators, one call after the other, over one or more regions.

SCRIPT OUT REGION …            every node that SSM lists in these regions
SCRIPT OUT REGION --ids FILE   the nodes of a file, a JSON list of ids
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

out = sys.argv[1]


def pages() -> Iterator[list[Any]]:
    """Yield the patch states of fifty nodes at a time."""
    ids_given = sys.argv[3:4] == ["--ids"]
    for region in sys.argv[2:3] if ids_given else sys.argv[2:]:
        ssm = boto3.client("ssm", region_name=region)
        nodes = json.loads(Path(sys.argv[4]).read_text()) if ids_given else listed(ssm)
        states = ssm.get_paginator("describe_instance_patch_states")
        for start in range(0, len(nodes), 50):
            for page in states.paginate(InstanceIds=nodes[start : start + 50]):
                yield page["InstancePatchStates"]


def listed(ssm: Any) -> list[str]:  # noqa: ANN401  # the SDK makes its clients at run time
    """Return the ids of every managed node of a region."""
    paginator = ssm.get_paginator("describe_instance_information")
    return [
        node["InstanceId"]
        for page in paginator.paginate(PaginationConfig={"PageSize": 50})
        for node in page["InstanceInformationList"]
    ]
