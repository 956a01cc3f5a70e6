"""Each function's settings reach the place in its stage that they are for, and no other."""

from collections.abc import Mapping
from dataclasses import fields, replace

import pytest

from patchlake.adapters.sqs import SqsQueue
from patchlake.adapters.target_apis import AwsTargetApis
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.bootstrap.collect import collect_stage
from patchlake.bootstrap.commit import commit_stage
from patchlake.bootstrap.discover import discover_stage
from patchlake.bootstrap.plan import plan_stage
from patchlake.config import CollectConfig, CommitConfig, DiscoverConfig, PlanConfig
from patchlake.errors import ConfigError
from patchlake.ports import Queue, TargetApis
from patchlake.sources.registry import SOURCES
from patchlake.stages.plan import PlanSettings

DISCOVER_URL, LISTING_URL, COLLECT_URL, DETAIL_URL, COMMIT_URL = (
    f"http://127.0.0.1:1/1/{name}" for name in ("discover", "listing", "collect", "detail", "commit")
)
PLAN = PlanConfig(
    bucket="lake",
    accounts=("1" * 12,),
    excluded_accounts=("2" * 12,),
    regions=("eu-west-1",),
    discover_queue_url=DISCOVER_URL,
    listing_queue_url=LISTING_URL,
    commit_queue_url=COMMIT_URL,
    batch_size=7,
    deadline_seconds=3600,
    max_lateness_seconds=60,
    collect_patches=True,
    collect_instances=True,
    tag_keys=("Owner",),
    detail_deadline_seconds=600,
    include_sensitive_fields=True,
)


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    # Without credentials the SDK would ask the network for some.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def url_of(queue: Queue) -> str:
    assert isinstance(queue, SqsQueue)
    return queue._url  # noqa: SLF001  # nothing else distinguishes two queues


def urls_of(queues: Mapping[str, Queue]) -> dict[str, str]:
    return {source: url_of(queue) for source, queue in queues.items()}


def role_of(apis: TargetApis) -> tuple[str, str]:
    assert isinstance(apis, AwsTargetApis)
    roles = apis._roles  # noqa: SLF001  # not visible otherwise before a role is assumed
    return roles._role_name, roles._external_id  # noqa: SLF001


def test_plan_gets_every_setting_and_its_queues() -> None:
    stage = plan_stage(PLAN)

    settings = {f.name: getattr(PLAN, f.name) for f in fields(PlanSettings) if hasattr(PLAN, f.name)}
    assert settings.keys() == {f.name for f in fields(PlanSettings)} - {"sources"}
    assert stage.settings == PlanSettings(**settings, sources=("patches", "instances", "tags"))
    assert urls_of(stage.listing_queues) == {"nodes": DISCOVER_URL, "instances": LISTING_URL, "tags": LISTING_URL}
    assert url_of(stage.commit_queue) == COMMIT_URL


@pytest.mark.parametrize(
    ("patches", "instances", "tag_keys", "sources"),
    [
        (False, False, (), ()),
        (True, False, (), ("patches",)),
        (False, True, (), ("instances",)),
        (False, False, ("Owner",), ("tags",)),
    ],
)
def test_plan_names_the_sources_that_it_is_asked_for_and_tags_only_with_keys(
    *, patches: bool, instances: bool, tag_keys: tuple[str, ...], sources: tuple[str, ...]
) -> None:
    config = replace(PLAN, collect_patches=patches, collect_instances=instances, tag_keys=tag_keys)

    assert plan_stage(config).settings.sources == sources


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        ("eu-cental-1", "eu-cental-1: the AWS SDK knows no such region of SSM"),
        ("cn-north-1", "cn-north-1: in the partition aws-cn, but .* has credentials of aws"),
    ],
)
def test_plan_refuses_a_region_that_it_cannot_read(region: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"PATCHLAKE_REGIONS: {reason}"):
        plan_stage(replace(PLAN, regions=("eu-west-1", region)))


def test_plan_leaves_the_regions_that_aws_names_to_aws() -> None:
    assert plan_stage(replace(PLAN, regions="all-enabled")).settings.regions == "all-enabled"


def test_discover_sends_to_collect_and_defers_on_both_of_its_queues() -> None:
    config = DiscoverConfig("lake", "role", "external", DISCOVER_URL, LISTING_URL, COLLECT_URL, 30)
    stage = discover_stage(config)

    assert urls_of(stage.detail_queues) == {"patch_states": COLLECT_URL}
    assert [url_of(queue) for queue in stage.retry_policy.queues] == [DISCOVER_URL, LISTING_URL]
    assert stage.retry_policy.base_seconds == 30
    assert role_of(stage.apis) == ("role", "external")
    assert len({stage.retry_policy.chance() for _ in range(10)}) > 1


def test_collect_sends_to_the_queue_of_details_and_defers_on_both_of_its_queues() -> None:
    stage = collect_stage(CollectConfig("lake", "role", "external", COLLECT_URL, DETAIL_URL, 8, 30))

    assert urls_of(stage.detail_queues) == {"patches": DETAIL_URL}
    assert [url_of(queue) for queue in stage.retry_policy.queues] == [COLLECT_URL, DETAIL_URL]
    assert role_of(stage.apis) == ("role", "external")
    assert stage.retry_policy.base_seconds == 30


def test_commit_gets_every_setting_and_all_queues() -> None:
    config = CommitConfig("lake", DISCOVER_URL, LISTING_URL, COLLECT_URL, DETAIL_URL, COMMIT_URL, 60, 3600, 86_400)
    stage = commit_stage(config)

    assert urls_of(stage.source_queues) == {
        "nodes": DISCOVER_URL,
        "patch_states": COLLECT_URL,
        "patches": DETAIL_URL,
        "instances": LISTING_URL,
        "tags": LISTING_URL,
    }
    assert stage.source_queues.keys() == {source.name for source in SOURCES.sources}
    assert url_of(stage.commit_queue) == COMMIT_URL
    assert (stage.tick_seconds, stage.deadline_seconds, stage.max_lateness_seconds) == (60, 3600, 86_400)
    # Reads that are under way when one fails are waited for: Lambda would let them go on in a later invocation.
    assert isinstance(stage.runs.parallel_map, ThreadedMap)
