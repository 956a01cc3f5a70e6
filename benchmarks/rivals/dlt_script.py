"""The same as a pipeline of dlt, into Parquet files in a folder."""

import sys
from collections.abc import Iterator
from typing import Any

import boto3
import dlt


@dlt.resource(name="patch_states")
def patch_states() -> Iterator[list[Any]]:
    """Yield the states of 50 nodes at a time."""
    ssm = boto3.client("ssm")
    nodes = [
        node["InstanceId"]
        for page in ssm.get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": 50})
        for node in page["InstanceInformationList"]
    ]
    states = ssm.get_paginator("describe_instance_patch_states")
    for start in range(0, len(nodes), 50):
        for page in states.paginate(InstanceIds=nodes[start : start + 50]):
            yield page["InstancePatchStates"]


pipeline = dlt.pipeline(
    pipeline_name="patch_states",
    pipelines_dir=f"{sys.argv[1]}/work",
    destination=dlt.destinations.filesystem(f"{sys.argv[1]}/lake"),
    dataset_name="lake",
)
pipeline.run(patch_states(), loader_file_format="parquet")
