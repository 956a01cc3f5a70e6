"""The rules of the two EC2 sources, over answers of the service."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.adapters.xml_page_decoding import XmlPageDecoder
from patchlake.core.plan import MOST_TAG_KEYS, TAG_KEY_PATTERN, Plan, decode_plan, encode_plan
from patchlake.core.records import Page
from patchlake.core.targets import RunTarget, Target
from patchlake.errors import IntegrityError, RestartError
from patchlake.sources.instances import INSTANCES
from patchlake.sources.registry import SOURCES
from patchlake.sources.source import ListedRows, ListingSource
from patchlake.sources.tags import TAGS
from tests.ec2_answers import INSTANCE_ID, answer_shape, instances, tag, tags
from tests.target_apis import plan_of

AT = 1_795_413_607_000
RUN_TARGET = RunTarget("20261101T060000Z", 0, Target("111122223333", "eu-central-1"))
DECODERS = {
    source.name: XmlPageDecoder(source.operation, answer_shape(source.operation.name)) for source in (INSTANCES, TAGS)
}
KEYS = ("Environment", "Owner")


def plan(*tag_keys: str) -> Plan:
    named = tuple(source.planned() for source in (INSTANCES, TAGS))
    base = plan_of("111122223333")
    return msgspec.structs.replace(base, sources=named, tag_keys=tag_keys, detail_deadline_at=base.deadline_at)


def listed(source: ListingSource, *bodies: bytes, tag_keys: tuple[str, ...] = KEYS) -> ListedRows:
    pages = [DECODERS[source.name].page(body, AT) for body in bodies]
    return source.listed(RUN_TARGET, plan(*tag_keys), pages)


def pairs(rows: ListedRows) -> list[tuple[Any, ...]]:
    return list(zip(*(rows.columns[name] for name in ("instance_id", "key", "value")), strict=True))


def test_the_questions_are_those_of_the_design() -> None:
    assert INSTANCES.operation.request((), plan()) == {"IncludeManagedResources": True}
    assert TAGS.operation.request((), plan(*KEYS)) == {
        "Filters": [
            {"Name": "resource-type", "Values": ["instance"]},
            {"Name": "key", "Values": ["Environment", "Owner"]},
        ]
    }
    assert {source.operation.page_size for source in (INSTANCES, TAGS)} == {1000}


def test_an_instance_has_the_columns_of_its_run_and_target_and_its_own() -> None:
    rows = listed(INSTANCES, instances({"instanceId": INSTANCE_ID, "launchTime": "2026-10-31T00:00:00.000Z"}))

    assert {name: values[0] for name, values in rows.columns.items() if values[0] is not None} == {
        "run_id": RUN_TARGET.run_id,
        "run_at": 0,
        "account_id": "111122223333",
        "region": "eu-central-1",
        "instance_id": INSTANCE_ID,
        "launch_time": datetime(2026, 10, 31, tzinfo=UTC).timestamp() * 1000,
    }
    assert rows.listed_at_ms == AT


def test_a_bad_time_is_null_and_its_row_stays() -> None:
    bad = {"instanceId": INSTANCE_ID, "launchTime": "soon", "instanceType": "m5.large"}

    rows = listed(INSTANCES, instances(bad))

    assert (rows.columns["launch_time"], rows.columns["instance_type"], rows.without_id) == ([None], ["m5.large"], 0)


def test_an_instance_of_an_unknown_form_of_id_is_an_instance() -> None:
    rows = listed(INSTANCES, instances({"instanceId": "i-9/new", "vpcId": "vpc-1"}))

    assert (rows.columns["instance_id"], rows.columns["vpc_id"], rows.without_id) == (["i-9/new"], ["vpc-1"], 0)


def test_rows_without_an_id_are_counted() -> None:
    rows = listed(INSTANCES, instances({"vpcId": "vpc-1"}, {"instanceId": ""}, {"instanceId": INSTANCE_ID}))

    assert (rows.columns["instance_id"], rows.without_id) == ([INSTANCE_ID], 2)


def test_an_instance_that_moves_between_pages_is_one_row_as_it_was_last() -> None:
    before, after = ({"instanceId": INSTANCE_ID, "instanceState": {"name": state}} for state in ("running", "stopped"))

    rows = listed(INSTANCES, instances(before, token="1"), instances(token="2"), instances(after))  # noqa: S106

    assert rows.columns["state"] == ["stopped"]


def test_the_last_row_about_an_instance_counts_whether_or_not_it_keeps_the_rules() -> None:
    good, bad = ({"instanceId": INSTANCE_ID, "launchTime": time} for time in ("2026-10-31T00:00:00Z", "soon"))

    assert None not in listed(INSTANCES, instances(bad, good)).columns["launch_time"]
    assert listed(INSTANCES, instances(good, bad)).columns["launch_time"] == [None]


def test_only_tags_of_instances_with_exactly_an_allowed_key_are_kept() -> None:
    volume = tag("Owner", "web") | {"resourceType": "volume", "resourceId": "vol-1"}
    others = [tag(key, "hunter2") for key in ("owner", "OWNER", "Owner ", "Owne", "Owner*", "password")]

    of_no_type = {name: value for name, value in volume.items() if name != "resourceType"}

    rows = listed(TAGS, tags(tag("Owner", "web"), *others, volume, of_no_type, tag("Environment", "")))

    assert pairs(rows) == [(INSTANCE_ID, "Environment", ""), (INSTANCE_ID, "Owner", "web")]
    assert rows.without_id == 0


@pytest.mark.parametrize("resource_type", ["Instance", "", "volume"])
def test_a_tag_with_the_id_of_an_instance_is_kept_whatever_its_type_is_called(resource_type: str) -> None:
    rows = listed(TAGS, tags(tag("Owner", "web") | {"resourceType": resource_type}))

    assert pairs(rows) == [(INSTANCE_ID, "Owner", "web")]


def test_a_tag_whose_key_could_not_be_read_is_counted_and_not_kept() -> None:
    no_key: dict[str, Any] = {"resourceId": INSTANCE_ID, "resourceType": "instance", "value": "hunter2"}

    rows = listed(TAGS, tags(no_key, {"resourceId": INSTANCE_ID}, tag("", "a"), tag(" ", "b"), tag("Owner", "web")))

    assert pairs(rows) == [(INSTANCE_ID, "Owner", "web")]
    assert rows.without_id == 4


def test_a_tag_without_its_instance_is_counted() -> None:
    rows = listed(TAGS, tags({"key": "Owner", "value": "web"}))

    assert (pairs(rows), rows.without_id) == ([], 1)


def test_a_tag_without_a_value_is_not_a_tag_with_an_empty_one() -> None:
    assert pairs(listed(TAGS, tags(tag("Owner", None)))) == [(INSTANCE_ID, "Owner", None)]


@given(st.lists(st.tuples(st.text("OwnerEnvironment*?\\", max_size=12), st.text("abc", max_size=2)), max_size=8))
def test_every_key_that_is_kept_is_allowed(found: list[tuple[str, str]]) -> None:
    rows = listed(TAGS, tags(*(tag(key, value) for key, value in found)))

    assert set(rows.columns["key"]) == {key for key, _ in found} & {*KEYS}


def test_without_allowed_keys_a_run_does_not_have_the_tags() -> None:
    assert [source.name for source in SOURCES.secondary_of(plan())] == ["instances"]
    assert [source.name for source in SOURCES.secondary_of(plan("Owner"))] == ["instances", "tags"]


@pytest.mark.parametrize("source", [INSTANCES, TAGS], ids=["instances", "tags"])
def test_pages_that_never_bring_anything_new_end(source: ListingSource) -> None:
    page = Page[Any]([], "again", AT)

    with pytest.raises(RestartError, match="nothing new"):
        source.listed(RUN_TARGET, plan(*KEYS), iter(lambda: page, Page([], None, 0)))


GOOD_KEYS = ("Owner", "aws:autoscaling:groupName", "Kostenstelle (Größe)", "a" * 128, "cost center", "a[b]{c}")
BAD_KEYS = (
    "Own*",
    "?wner",
    "a\\b",
    "*",
    "",
    "a,b",
    "a" * 129,
    "a\nb",
    "a\x00",
    "Owner\u200b",
    "\ufeffOwner",
    "Ow\u00adner",
)


@pytest.mark.parametrize("key", GOOD_KEYS)
def test_a_plan_may_name_any_key_without_wildcards(key: str) -> None:
    stored = encode_plan(plan(key))

    assert decode_plan(stored, plan().run_id).tag_keys == (key,)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_plan_with_a_key_that_ec2_reads_as_a_wildcard_is_refused(key: str) -> None:
    with pytest.raises(IntegrityError):
        decode_plan(encode_plan(plan(key)), plan().run_id)


def test_the_pattern_of_keys_covers_the_whole_text() -> None:
    assert re.match(TAG_KEY_PATTERN, "Owner\n") is None
    assert MOST_TAG_KEYS == 50
