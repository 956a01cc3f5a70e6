"""The same with the library of AWS's data team, which writes to S3."""

import sys

import awswrangler as wr
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
wr.s3.to_parquet(pd.DataFrame(rows), path=f"{sys.argv[1]}/patch_states/", dataset=True)
