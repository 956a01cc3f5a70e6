"""The tags of EC2 instances whose keys the plan allows: EC2 DescribeTags.

EC2 is asked for these keys alone, and a tag with any other key is dropped: EC2 reads wildcards in filters, and keys
differ by case. Without allowed keys there is no call.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from msgspec import field

from patchlake.core.plan import Plan
from patchlake.core.records import InstanceId, Page, Record, record_type
from patchlake.core.rows import record_values, target_columns
from patchlake.core.tables import RUN_COLUMNS, TARGET_COLUMNS, Columns, Table, string
from patchlake.core.targets import RunTarget
from patchlake.sources.instances import INSTANCE
from patchlake.sources.source import ListingSource, Operation

TAG_COLUMNS = (
    string("key", "The key of the tag, one of those that the plan allows.", "Key", nullable=False),
    string("value", "The value of the tag, which may be empty.", "Value"),
)

TAGGED_INSTANCE = replace(INSTANCE, member="ResourceId")

_RESOURCE_TYPE = "instance"


class TaggedResource(Record, frozen=True):
    """The resource of a tag."""

    instance_id: InstanceId = field(name="ResourceId")
    resource_type: str | None = field(name="ResourceType", default=None)


Tag = record_type("Tag", TAG_COLUMNS, TaggedResource, ids={"key"})
"""A tag as DescribeTags describes it."""


def _request(_ids: Sequence[str], plan: Plan) -> dict[str, Any]:
    return {
        "Filters": [
            {"Name": "resource-type", "Values": [_RESOURCE_TYPE]},
            {"Name": "key", "Values": list(plan.tag_keys)},
        ]
    }


def _rows(run_target: RunTarget, page: Page[Any], plan: Plan) -> Columns:
    kept = [row for row in page.named_rows() if _may_be_kept(row.instance_id, row.record, plan)]
    return {
        **target_columns(run_target, len(kept)),
        "instance_id": [row.instance_id for row in kept],
        **record_values(
            TAG_COLUMNS, [row.record for row in kept], include_sensitive_fields=plan.include_sensitive_fields
        ),
    }


def _may_be_kept(resource_id: str, tag: Any, plan: Plan) -> bool:  # noqa: ANN401
    """Whether a tag of an instance has an allowed key, or one that could not be read."""
    if tag is None:
        return True
    is_of_instance = resource_id.startswith("i-") or tag.resource_type == _RESOURCE_TYPE
    return is_of_instance and (tag.key is None or tag.key in plan.tag_keys)


TAGS = ListingSource(
    name="tags",
    operation=Operation(
        service="ec2",
        name="DescribeTags",
        rows_member="Tags",
        record=Tag,
        page_size=1000,
        id_member=TAGGED_INSTANCE.member,
        request=_request,
    ),
    table=Table(
        "tags",
        "One row per tag of an EC2 instance, per run, for the tag keys that the plan allows.",
        (*RUN_COLUMNS, *TARGET_COLUMNS, TAGGED_INSTANCE, *TAG_COLUMNS),
    ),
    row_key=("instance_id", "key"),
    rows=_rows,
    asks=lambda plan: bool(plan.tag_keys),
)
