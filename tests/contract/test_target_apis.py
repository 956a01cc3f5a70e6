"""The contract of every TargetApis, over one simulated fleet."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import batched
from typing import Any

import msgspec
import pytest

from patchlake.adapters.memory import MemoryApis, MemoryClock
from patchlake.bootstrap import Aws
from patchlake.core.paging import read_chain
from patchlake.core.records import NodeRecord, Page
from patchlake.core.run import milliseconds
from patchlake.core.targets import Target
from patchlake.errors import RefusedError
from patchlake.ports import TargetApi, TargetApis
from patchlake.sources.instances import INSTANCES, Instance
from patchlake.sources.nodes import NodeInformation
from patchlake.sources.patch_states import PatchState
from patchlake.sources.source import ListingSource
from patchlake.sources.tags import TAGS, Tag
from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Conditions, Settings
from patchlake_cli.embedded.fleet.instances import instances_of
from tests.target_apis import node_page, patch_state_page, plan_of

PLAIN = Settings(nodes=400, accounts=3, regions=1)
HOME, MEMBER, REFUSED = (Target(account.account_id, PLAIN.region_list()[0]) for account in PLAIN.account_list())
SETTINGS = msgspec.structs.replace(
    PLAIN, external_id="agreed", conditions=Conditions(refused_accounts=frozenset({REFUSED.account_id}))
)
FLEET = SETTINGS.fleet()
AT = FLEET.run_at(0)
TAG_KEYS = ("Environment", "Owner")


@dataclass
class World:
    """Sources that know the fleet, and the time in their answers."""

    apis: TargetApis
    now: datetime

    def open(self, target: Target) -> TargetApi:
        plan = msgspec.structs.replace(plan_of(HOME.account_id), tag_keys=TAG_KEYS)
        return self.apis.open(plan, target)


@pytest.fixture(scope="module")
def memory() -> World:
    def refuse(target: Target) -> None:
        if target == REFUSED:
            raise RefusedError("ROLE_NOT_ASSUMABLE", "AccessDenied", "refused")

    apis = MemoryApis(MemoryClock(AT), before_open=refuse)
    for target in (HOME, MEMBER):
        apis.of(target).nodes.update(nodes_of(target))
        apis.of(target).states.update(states_of(target))
        for source in (INSTANCES, TAGS):
            apis.of(target).others[source.operation.name] = ec2_rows_of(source, target)
    return World(apis, AT)


@pytest.fixture(scope="module")
def aws() -> Iterator[World]:
    with start_server(SETTINGS) as embedded, pytest.MonkeyPatch.context() as patch:
        for name, value in embedded.endpoint.environment.items():
            patch.setenv(name, value)
        aws = Aws(embedded.endpoint.session)
        yield World(aws.target_apis(SETTINGS.role_name, "agreed", connections=2), embedded.clock())


@pytest.fixture(params=["memory", "aws"])
def world(request: pytest.FixtureRequest) -> World:
    made: World = request.getfixturevalue(request.param)
    made.apis.call_counter.drain()
    return made


def nodes_of(target: Target) -> dict[str, NodeRecord]:
    """Return how the fleet describes the nodes of a target."""
    return {node.instance_id: msgspec.convert(node.information, NodeInformation) for node in FLEET.nodes(target, 0)}


def states_of(target: Target) -> dict[str, NodeRecord]:
    """Return the states of those nodes of a target that were scanned."""
    return {
        node.instance_id: msgspec.convert(node.patch_state, PatchState)
        for node in FLEET.nodes(target, 0)
        if node.patch_state is not None
    }


def ec2_rows_of(source: ListingSource, target: Target) -> dict[str, list[Any]]:
    """Return the rows of an EC2 source in the fleet, by the id of their instance."""
    found = instances_of(SETTINGS.seed, target, FLEET.nodes(target, 0), AT)
    if source is INSTANCES:
        return {one.instance_id: [msgspec.convert(flat(one.members), Instance)] for one in found}
    return {
        one.instance_id: [
            msgspec.convert(
                {"ResourceId": one.instance_id, "ResourceType": "instance", "Key": key, "Value": value}, Tag
            )
            for key, value in one.tags.items()
            if key in TAG_KEYS
        ]
        for one in found
    }


def flat(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a structure with those of structures in it, times in seconds."""
    found: dict[str, Any] = {}
    for name, value in members.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": of_inner for inner, of_inner in value.items()}
        else:
            found[name] = value.timestamp() if isinstance(value, datetime) else value
    return found


def records_of(ask: Callable[[str | None], Page[Any]]) -> list[Any]:
    """Return the records of a chain of pages, none of which may have an invalid row."""
    pages = read_chain(ask, list, PLAIN.nodes, "a target")
    assert [row for page in pages for row in page.invalid] == []
    return [record for page in pages for record in page.records]


@pytest.mark.parametrize("target", [HOME, MEMBER], ids=["home", "member"])
def test_every_node_is_listed_once_as_it_is(world: World, target: Target) -> None:
    records = records_of(partial(node_page, world.open(target)))

    assert len(records) > 50
    assert len(records) == len(nodes_of(target))
    assert {record.instance_id: record for record in records} == nodes_of(target)


@pytest.mark.parametrize("target", [HOME, MEMBER], ids=["home", "member"])
def test_the_states_of_the_nodes_that_were_scanned_come_back_as_they_are(world: World, target: Target) -> None:
    source = world.open(target)
    found: list[Any] = []

    for chunk in batched(nodes_of(target), 50, strict=False):
        found += records_of(partial(patch_state_page, source, chunk))

    assert len(states_of(target)) < len(nodes_of(target))
    assert len(found) == len(states_of(target))
    assert {record.instance_id: record for record in found} == states_of(target)


@pytest.mark.parametrize("target", [HOME, MEMBER], ids=["home", "member"])
@pytest.mark.parametrize("source", [INSTANCES, TAGS], ids=["instances", "tags"])
def test_every_row_of_ec2_is_listed_once_as_it_is(world: World, target: Target, source: ListingSource) -> None:
    api = world.open(target)

    records = records_of(lambda token: api.page(source.operation, (), token))

    expected = [row for rows in ec2_rows_of(source, target).values() for row in rows]
    assert len(records) == len(expected) > 50
    assert sorted(map(repr, records)) == sorted(map(repr, expected))


def test_a_node_that_ssm_does_not_know_is_left_out_in_silence(world: World) -> None:
    known = next(iter(states_of(MEMBER)))

    records = records_of(partial(patch_state_page, world.open(MEMBER), [known, "i-00000000000000000"]))

    assert [record.instance_id for record in records] == [known]


def test_asking_for_no_node_is_no_error(world: World) -> None:
    assert records_of(partial(patch_state_page, world.open(MEMBER), [])) == []


def test_every_page_tells_when_it_was_answered(world: World) -> None:
    pages = read_chain(partial(node_page, world.open(MEMBER)), list, PLAIN.nodes, "a target")

    assert {page.answered_at_ms for page in pages} == {milliseconds(world.now)}


def test_every_page_is_a_call(world: World) -> None:
    pages = read_chain(partial(node_page, world.open(MEMBER)), list, PLAIN.nodes, "a target")

    assert world.apis.call_counter.drain() == (len(pages), 0, 0)


def test_a_role_that_cannot_be_assumed_is_told_before_anything_is_asked(world: World) -> None:
    with pytest.raises(RefusedError) as caught:
        world.open(REFUSED)

    assert (caught.value.listing_status, caught.value.code) == ("ROLE_NOT_ASSUMABLE", "AccessDenied")
    assert world.apis.call_counter.drain().calls == 0
