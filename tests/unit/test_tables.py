"""The tables against botocore's own model of the API: nothing is forgotten, renamed or retyped."""

import re
from collections.abc import Iterable

import pytest

from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake.core.tables import INSTANCE_ID, Column, ColumnType, Table
from patchlake.sources.coverage import coverage_table
from patchlake.sources.instances import INSTANCE_COLUMNS, INSTANCE_MEMBERS_LEFT_OUT, INSTANCES
from patchlake.sources.nodes import NODE_COLUMNS, NODE_MEMBERS_LEFT_OUT, SHARD
from patchlake.sources.patch_states import PATCH_STATE_COLUMNS, PATCH_STATES
from patchlake.sources.patches import PATCH_COLUMNS, PATCHES, STATES, STATUSES
from patchlake.sources.registry import SOURCES
from patchlake.sources.tags import TAG_COLUMNS, TAGS
from tests.ec2_answers import shape_at
from tests.ssm_model import shape

COVERAGE = coverage_table(())
NODE = (INSTANCE_ID, *NODE_COLUMNS)
PATCH_STATE = (INSTANCE_ID, *PATCH_STATE_COLUMNS)
EVERY_MEMBER = pytest.mark.parametrize(
    ("structure", "column"),
    [("InstanceInformation", column) for column in NODE]
    + [("InstancePatchState", column) for column in PATCH_STATE]
    + [("PatchComplianceData", column) for column in PATCH_COLUMNS],
    ids=lambda value: value.name if isinstance(value, Column) else value,
)
EVERY_TABLE = pytest.mark.parametrize(
    "table",
    [SHARD, PATCH_STATES.table, PATCHES.table, INSTANCES.table, TAGS.table, COVERAGE],
    ids=lambda table: str(table.name),
)
COLUMN_TYPES = {
    "string": ColumnType.STRING,
    "integer": ColumnType.INT32,
    "boolean": ColumnType.BOOLEAN,
    "timestamp": ColumnType.TIMESTAMP,
}


def shape_of(structure: str, column: Column) -> dict[str, object]:
    return shape(shape(structure)["members"][column.member]["shape"])


@pytest.mark.parametrize(
    ("structure", "columns", "left_out"),
    [
        ("InstanceInformation", NODE, NODE_MEMBERS_LEFT_OUT),
        ("InstancePatchState", PATCH_STATE, {}),
        ("PatchComplianceData", PATCH_COLUMNS, {}),
    ],
)
def test_every_member_of_the_api_is_a_column_or_left_out_for_a_reason(
    structure: str, columns: tuple[Column, ...], left_out: dict[str, str]
) -> None:
    members = [column.member for column in columns]

    assert {*members, *left_out} == set(shape(structure)["members"])
    assert not set(members) & set(left_out)
    assert all(left_out.values())


@pytest.mark.parametrize("column", [*NODE, *PATCH_STATE_COLUMNS, *PATCH_COLUMNS], ids=lambda column: str(column.name))
def test_a_column_is_named_as_its_member_in_snake_case(column: Column) -> None:
    assert column.member is not None
    assert column.name == re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", column.member).lower()


@EVERY_MEMBER
def test_a_column_has_the_type_of_its_member(structure: str, column: Column) -> None:
    assert column.type is COLUMN_TYPES[str(shape_of(structure, column)["type"])]


@EVERY_MEMBER
def test_a_column_is_sensitive_exactly_when_its_member_is(structure: str, column: Column) -> None:
    assert column.sensitive is bool(shape_of(structure, column).get("sensitive", False))


@pytest.mark.parametrize(
    ("structure", "columns"), [("InstancePatchState", PATCH_STATE), ("PatchComplianceData", PATCH_COLUMNS)]
)
def test_an_answer_must_have_exactly_what_the_api_requires(structure: str, columns: tuple[Column, ...]) -> None:
    assert {column.member for column in columns if not column.nullable} == set(shape(structure)["required"])


def test_a_node_must_have_nothing_but_its_id() -> None:
    assert [column.name for column in NODE if not column.nullable] == ["instance_id"]


def test_the_patch_states_have_everything_in_the_order_of_the_design() -> None:
    assert PATCH_STATES.table.column_names == (
        *("run_id", "run_at", "account_id", "region", "instance_id"),
        *(column.name for column in NODE_COLUMNS),
        *("collection_status", "collection_detail", "collected_at"),
        *(column.name for column in PATCH_STATE_COLUMNS),
    )


def test_only_what_every_row_has_is_not_nullable() -> None:
    required = ["run_id", "run_at", "account_id", "region"]

    for table in (PATCH_STATES.table, PATCHES.table):
        assert [c.name for c in table if not c.nullable] == [*required, "instance_id", "collection_status"]
    assert [c.name for c in COVERAGE if not c.nullable] == [*required, "listing_status"]
    assert [c.name for c in SHARD if not c.nullable] == ["instance_id"]


def test_the_patches_have_everything_in_the_order_of_the_design() -> None:
    assert PATCHES.table.column_names == (
        *("run_id", "run_at", "account_id", "region", "instance_id"),
        *("collection_status", "collection_detail", "collected_at"),
        *("title", "kb_id", "classification", "severity", "state", "installed_time", "cve_ids"),
    )


@pytest.mark.parametrize(
    ("operation", "rows", "columns", "left_out"),
    [
        ("DescribeInstances", "Reservations.Instances", (INSTANCE_ID, *INSTANCE_COLUMNS), INSTANCE_MEMBERS_LEFT_OUT),
        ("DescribeTags", "Tags", TAG_COLUMNS, {"ResourceId": "the id", "ResourceType": "always instance"}),
    ],
)
def test_every_member_of_ec2_is_a_column_or_left_out_for_a_reason(
    operation: str, rows: str, columns: tuple[Column, ...], left_out: dict[str, str]
) -> None:
    members = {str(column.member).partition(".")[0] for column in columns}

    assert members | {*left_out} == set(shape_at(operation, rows).members)
    assert not members & set(left_out)
    assert all(left_out.values())


@pytest.mark.parametrize(
    ("operation", "path", "column"),
    [("DescribeInstances", "Reservations.Instances", column) for column in INSTANCE_COLUMNS]
    + [("DescribeTags", "Tags", column) for column in TAG_COLUMNS],
    ids=lambda value: value.name if isinstance(value, Column) else value,
)
def test_a_column_of_ec2_has_the_type_of_its_member(operation: str, path: str, column: Column) -> None:
    assert column.type is COLUMN_TYPES[shape_at(operation, f"{path}.{column.member}").type_name]


def test_the_instances_and_tags_have_everything_in_the_order_of_the_design() -> None:
    target = ("run_id", "run_at", "account_id", "region", "instance_id")

    assert INSTANCES.table.column_names == (
        *target,
        *("state", "state_transition_reason", "launch_time", "instance_type", "architecture", "platform_details"),
        *("image_id", "vpc_id", "availability_zone", "iam_instance_profile", "instance_lifecycle"),
        *("operator_managed", "operator_principal"),
    )
    assert TAGS.table.column_names == (*target, "key", "value")
    assert [column.name for column in INSTANCES.table if not column.nullable] == [*target]
    assert [column.name for column in TAGS.table if not column.nullable] == [*target, "key"]
    assert not [column.name for source in (INSTANCES, TAGS) for column in source.table if column.sensitive]


def test_the_coverage_has_these_columns() -> None:
    assert COVERAGE.column_names == (
        *("run_id", "run_at", "account_id", "account_name", "region", "listing_status", "listing_detail", "listed_at"),
        *("nodes_listed", "nodes_collected", "nodes_no_patch_state", "nodes_not_collected", "nodes_invalid_response"),
        "rows_without_id",
    )


def test_a_shard_has_what_a_part_needs_of_a_node() -> None:
    assert SHARD.column_names == (*(column.name for column in NODE), "invalid_reason")


@EVERY_TABLE
def test_names_are_unique_and_every_column_is_described(table: Table) -> None:
    assert len(set(table.column_names)) == len(table.columns)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in table.column_names)
    assert all(column.description.endswith(".") for column in table)
    assert table.description.endswith(".")


@EVERY_TABLE
def test_counts_get_a_dictionary_and_ids_and_times_do_not(table: Table) -> None:
    for column in table:
        if column.type is not ColumnType.STRING or column.name.endswith("instance_id"):
            assert column.repetitive is (column.type is ColumnType.INT32), column.name


@pytest.mark.parametrize(
    ("table", "name", "statuses"),
    [
        (PATCH_STATES.table, "collection_status", CollectionStatus),
        (PATCHES.table, "collection_status", STATUSES),
        (PATCHES.table, "state", STATES),
        (COVERAGE, "listing_status", ListingStatus),
    ],
    ids=["patch_states", "patches", "the state of a patch", "coverage"],
)
def test_the_description_of_a_status_explains_each_value(table: Table, name: str, statuses: Iterable[str]) -> None:
    (column,) = (column for column in table if column.name == name)

    assert [status for status in statuses if status not in column.description] == []


def test_the_snapshot_the_coverage_and_every_secondary_source_are_published() -> None:
    secondary = [source.name for source in SOURCES.secondary]

    assert [table.name for table in SOURCES.tables] == ["patch_states", "coverage", *secondary]
