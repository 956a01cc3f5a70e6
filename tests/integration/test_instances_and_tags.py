"""The two EC2 sources over the stages in memory: what a run has of them, what it costs, and what it never changes."""

from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, shard_key, snapshot_key, table_key
from patchlake.core.messages import DiscoverMessage
from patchlake.core.paging import ATTEMPTS
from patchlake.core.records import InvalidRow, Page, Record
from patchlake.core.tables import Columns
from patchlake.errors import RefusedError, RestartError, RetryableError, ThrottledError
from patchlake.ports import Delivery, TableFormat
from patchlake.sources.instances import INSTANCES, Instance
from patchlake.sources.registry import Registry
from patchlake.sources.source import ListingSource
from patchlake.sources.tags import TAGS, Tag
from patchlake.stages.commit import CommitOutcome
from tests.world import EU, ROOT_SOURCES, RUN_ID, US, World, node_id

EC2 = (INSTANCES, TAGS)
SOURCES = Registry(ROOT_SOURCES.nodes, ROOT_SOURCES.patch_states, EC2)
NODES = 30
INSTANCES_OF_TARGET = 40
OWNER, ENVIRONMENT = "Owner", "Environment"


def instance(number: int, **members: object) -> Record:
    sent = {"InstanceId": node_id(number), "State.Name": "running", "LaunchTime": 1.0 + number}
    return msgspec.convert(sent | members, type=Instance)


def tag(number: int, key: str, value: str = "web") -> Record:
    sent = {"ResourceId": node_id(number), "ResourceType": "instance", "Key": key, "Value": value}
    return msgspec.convert(sent, type=Tag)


def ec2_world(
    tables: TableFormat | None = None, *, tag_keys: tuple[str, ...] = (OWNER,), regions: tuple[str, ...] = ()
) -> World:
    """Return a world in which each target has managed nodes, and ten instances that SSM does not manage."""
    targets = {EU.region: EU, US.region: US}
    regions = regions or (EU.region,)
    world = World(tables=tables, sources=SOURCES, regions=regions, batch_size=20)
    world.settings = replace(world.settings, tag_keys=tag_keys)
    for region in regions:
        world.add_nodes(targets[region], range(NODES))
        others = world.apis.of(targets[region]).others
        others["DescribeInstances"] = {node_id(n): [instance(n)] for n in range(INSTANCES_OF_TARGET)}
        others["DescribeTags"] = {node_id(n): [tag(n, OWNER), tag(n, "owner", "hunter2")] for n in range(0, 40, 2)}
    return world


def rows_of(world: World, table: str) -> Columns:
    file = world.tables.open(world.store.objects[table_key(RUN_ID, table)])
    return file.columns(file.column_names)


def calls_of(world: World) -> Counter[str]:
    """Count the calls about each operation in the counter that is returned."""
    calls: Counter[str] = Counter()
    world.apis.of(EU).before_call = lambda operation: calls.update([operation])
    return calls


def failing(world: World, operation: str, error: Exception, times: int = 10**9) -> None:
    """Let the first calls of an operation fail."""
    left = [error] * min(times, 10_000)

    def before(name: str) -> None:
        if name == operation and left:
            raise left.pop()

    world.apis.of(EU).before_call = before


def run(world: World) -> CommitOutcome:
    world.start()
    return world.run_until_committed().outcome


def ec2_coverage(world: World, source: str) -> dict[str, list[Any]]:
    names = ("status", "detail", "rows_without_id", "rows")
    return {name: world.coverage()[f"{source}_{name}"] for name in names}


def test_every_instance_of_a_target_and_every_allowed_tag_has_a_row(tables: TableFormat) -> None:
    world = ec2_world(tables, regions=(EU.region, US.region))

    assert run(world) is CommitOutcome.COMPLETE

    instances, tags = rows_of(world, "instances"), rows_of(world, "tags")
    ids = [node_id(number) for number in range(INSTANCES_OF_TARGET)]
    assert instances["instance_id"] == ids * 2
    assert instances["region"] == [EU.region] * len(ids) + [US.region] * len(ids)
    assert tags["instance_id"] == ids[::2] * 2
    assert (set(tags["key"]), set(tags["value"])) == ({OWNER}, {"web"})
    assert ec2_coverage(world, "instances") == {
        "status": ["LISTED"] * 2,
        "detail": [None] * 2,
        "rows_without_id": [0] * 2,
        "rows": [INSTANCES_OF_TARGET] * 2,
    }
    assert ec2_coverage(world, "tags")["rows"] == [20, 20]


def test_without_tag_keys_no_call_is_made_and_coverage_has_no_word_of_tags() -> None:
    world = ec2_world(tag_keys=())
    calls = calls_of(world)
    world.start()
    result = world.run_until_committed()

    assert (result.outcome, result.source_gaps) == (CommitOutcome.COMPLETE, ())
    assert (calls["DescribeInstances"], calls["DescribeTags"]) == (1, 0)
    assert not [name for name in world.coverage() if name.startswith("tags_")]
    assert table_key(RUN_ID, "tags") not in world.store.objects
    assert [key for key in world.store.objects if "instances" in key]


def test_denied_ec2_changes_no_byte_of_the_patch_states_and_is_a_reason(tables: TableFormat) -> None:
    snapshots: list[bytes] = []
    for operation in ("", "DescribeInstances", "DescribeTags"):
        world = ec2_world(tables)
        denied = RefusedError("ACCESS_DENIED", "UnauthorizedOperation", "denied", operation)
        failing(world, operation, denied)
        assert run(world) is CommitOutcome.COMPLETE
        snapshots.append(world.store.objects[snapshot_key(RUN_ID)])
        source = {"DescribeInstances": "instances", "DescribeTags": "tags"}.get(operation)
        if source is not None:
            assert ec2_coverage(world, source) == {
                "status": ["ACCESS_DENIED"],
                "detail": ["UnauthorizedOperation"],
                "rows_without_id": [None],
                "rows": [None],
            }
            assert rows_of(world, source)["instance_id"] == []

    assert len(set(snapshots)) == 1


@pytest.mark.parametrize(
    "error", [ThrottledError("RequestLimitExceeded"), RestartError("InvalidNextToken"), RetryableError("no answer")]
)
def test_a_fault_that_passes_costs_no_row(error: Exception) -> None:
    world = ec2_world()
    world.apis.of(EU).page_size = 7
    failing(world, "DescribeInstances", error, times=2)

    assert run(world) is CommitOutcome.COMPLETE

    assert ec2_coverage(world, "instances")["rows"] == [INSTANCES_OF_TARGET]


@pytest.mark.parametrize("source", EC2, ids=["instances", "tags"])
def test_a_token_that_is_always_refused_ends_at_the_deadline_of_details(source: ListingSource) -> None:
    world = ec2_world()
    failing(world, source.operation.name, RestartError("InvalidPaginationToken"))

    assert run(world) is CommitOutcome.COMPLETE

    assert ec2_coverage(world, source.name)["status"] == ["NOT_LISTED"]
    assert len(world.snapshot()["instance_id"]) == NODES


@pytest.mark.parametrize("source", EC2, ids=["instances", "tags"])
def test_a_token_that_is_always_refused_restarts_the_listing_a_bounded_number_of_times(source: ListingSource) -> None:
    world = ec2_world()
    world.start()
    calls: Counter[str] = Counter()

    def before(name: str) -> None:
        calls[name] += 1
        raise RestartError("InvalidPaginationToken")

    world.apis.of(EU).before_call = before
    message = DiscoverMessage.of(RUN_ID, EU, source.name)

    with pytest.raises(RestartError):
        world.discover.handle(message, Delivery(message.encode(), "0", 1, "listing"))

    assert calls == {source.operation.name: ATTEMPTS}


def test_rows_that_cannot_be_read_are_counted_in_the_coverage_and_make_no_run_partial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = ec2_world()
    api = world.apis.of(EU)
    ask = api.page

    def page(operation: Any, ids: Any, token: str | None) -> Page[Any]:  # noqa: ANN401
        found = ask(operation, ids, token)
        bad = [InvalidRow(None, "InstanceId: it is absent"), InvalidRow("i-0/new", "InstanceId: bad", instance(0))]
        return replace(found, rows=[*found.rows, *bad]) if operation is INSTANCES.operation else found

    monkeypatch.setattr(api, "page", page)

    assert run(world) is CommitOutcome.COMPLETE

    assert ec2_coverage(world, "instances")["rows_without_id"] == [1]
    assert "i-0/new" in rows_of(world, "instances")["instance_id"]


MANY = 100_000


def test_a_large_target_costs_a_call_for_each_thousand_rows_and_few_bytes_for_each() -> None:
    world = ec2_world(ParquetTables(), tag_keys=(OWNER, ENVIRONMENT))
    world.settings = replace(world.settings, batch_size=2000)
    numbers = sorted(number * 0x9E3779B97F4A7C15 % (1 << 68) for number in range(MANY))
    api = world.apis.of(EU)
    api.others["DescribeInstances"] = {node_id(n): [large_instance(n)] for n in numbers}
    api.others["DescribeTags"] = {
        node_id(n): [tag(n, OWNER, f"team-{n % 97}"), tag(n, ENVIRONMENT, f"stage-{n % 5}")] for n in numbers
    }
    calls = calls_of(world)

    assert run(world) is CommitOutcome.COMPLETE

    assert 100 <= calls["DescribeInstances"] <= 101
    assert 200 <= calls["DescribeTags"] <= 201
    assert ec2_coverage(world, "instances")["rows"] == [MANY]
    assert ec2_coverage(world, "tags")["rows"] == [2 * MANY]
    assert len(world.store.objects[table_key(RUN_ID, "instances")]) / MANY <= 25
    assert len(world.store.objects[table_key(RUN_ID, "tags")]) / (2 * MANY) <= 10
    assert shard_key(RUN_ID, EU, "tags") in world.store.objects
    assert coverage_key(RUN_ID) in world.store.objects


def large_instance(number: int) -> Record:
    """Return an instance with values as various as those of a large account."""
    members = {
        "StateTransitionReason": "",
        "LaunchTime": 1.76e9 + number % 31_536_000,
        "InstanceType": ("m5.large", "c6g.xlarge", "t3.micro", "r6i.2xlarge")[number % 4],
        "Architecture": ("x86_64", "arm64")[number % 2],
        "PlatformDetails": ("Linux/UNIX", "Windows", "Red Hat Enterprise Linux")[number % 3],
        "ImageId": f"ami-{number % 41:017x}",
        "VpcId": f"vpc-{number % 13:017x}",
        "Placement.AvailabilityZone": f"eu-central-1{'abc'[number % 3]}",
        "IamInstanceProfile.Arn": f"arn:aws:iam::111122223333:instance-profile/app-{number % 53}",
        "Operator.Managed": number % 50 == 0,
    }
    return instance(number, **members)
