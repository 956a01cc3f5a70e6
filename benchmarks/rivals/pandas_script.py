"""What a platform team writes first: the SDK's paginators, a DataFrame, one Parquet file."""

import sys
from pathlib import Path

import boto3
import pandas as pd

ssm = boto3.client("ssm")
nodes = [
    node["InstanceId"]
    for page in ssm.get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": 50})
    for node in page["InstanceInformationList"]
]
states = ssm.get_paginator("describe_instance_patch_states")
rows = []
for start in range(0, len(nodes), 50):
    for page in states.paginate(InstanceIds=nodes[start : start + 50]):
        rows += page["InstancePatchStates"]
Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
pd.DataFrame(rows).to_parquet(f"{sys.argv[1]}/patch_states.parquet")
