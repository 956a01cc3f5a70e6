"""The QuickSight stack without expressions."""

from collections.abc import Mapping
from typing import Any

from generators import ROOT
from patchlake_cli.embedded.cloudformation.template import read_template
from tests.resolved_template import resolved

TEMPLATE = read_template(ROOT / "templates" / "quicksight.yaml")
OWNER = "arn:aws:quicksight:us-east-1:111122223333:group/default/security"


def stack(**other: str) -> dict[str, Any]:
    """Return the resources of a stack with these parameters besides the necessary ones."""
    parameters = {"OwnerArn": OWNER, "BucketName": "the-lake", "ResultsBucketName": "the-results"}
    pseudo = {"AWS::StackName": other.pop("name")} if "name" in other else None
    resources: dict[str, Any] = resolved(TEMPLATE, pseudo, **parameters, **other)["Resources"]
    return resources


def of_type(resources: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the properties of the resources of one type of QuickSight."""
    return [body["Properties"] for body in resources.values() if body["Type"] == f"AWS::QuickSight::{kind}"]


RESOURCES = stack()
