"""The deployed handlers, as the stack composes them, against an AWS over HTTP that is hostile in one way."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config

from patchlake import bootstrap
from patchlake.adapters import clients
from patchlake.adapters.parquet import ParquetTables
from patchlake.bootstrap.collect import collect_stage
from patchlake.bootstrap.commit import commit_stage
from patchlake.bootstrap.discover import discover_stage
from patchlake.bootstrap.plan import plan_stage
from patchlake.config import CollectConfig, CommitConfig, DiscoverConfig, PlanConfig
from patchlake.core.keys import coverage_key, plan_key, shard_key, snapshot_key
from patchlake.core.targets import Target
from tests.handlers import Invocation, invoke, records
from tests.http_stub import Answer, Request, Trickling, http_stub
from tests.stub_aws import IDS, MEMBER, StubAws, account_of, object_key, query_error, s3_error
from tests.world import HOME, RUN_ID, SCHEDULED_TIME, World

REGION = "eu-central-1"
DEADLINE_SECONDS = 3600
QUEUES = "http://127.0.0.1/1"
ENVIRONMENT = {
    # So that the bodies on the wire are the objects.
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "PATCHLAKE_BUCKET": "lake",
    "PATCHLAKE_ACCOUNTS": f"{HOME},{MEMBER}",
    "PATCHLAKE_EXCLUDED_ACCOUNTS": "",
    "PATCHLAKE_REGIONS": REGION,
    "PATCHLAKE_ROLE_NAME": "patchlake-member",
    "PATCHLAKE_EXTERNAL_ID": "",
    "PATCHLAKE_DISCOVER_QUEUE_URL": f"{QUEUES}/discover",
    "PATCHLAKE_COLLECT_QUEUE_URL": f"{QUEUES}/collect",
    "PATCHLAKE_DETAIL_QUEUE_URL": f"{QUEUES}/detail",
    "PATCHLAKE_LISTING_QUEUE_URL": f"{QUEUES}/listing",
    "PATCHLAKE_COMMIT_QUEUE_URL": f"{QUEUES}/commit",
    "PATCHLAKE_BATCH_SIZE": "50",
    "PATCHLAKE_CONNECTIONS": "2",
    "PATCHLAKE_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    "PATCHLAKE_DETAIL_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    "PATCHLAKE_COLLECT_PATCHES": "false",
    "PATCHLAKE_COLLECT_INSTANCES": "false",
    "PATCHLAKE_TAG_KEYS": "",
    "PATCHLAKE_TICK_SECONDS": "60",
    "PATCHLAKE_MAX_LATENESS_SECONDS": "86400",
    "PATCHLAKE_RETRY_SECONDS": "0",
    "PATCHLAKE_INCLUDE_SENSITIVE_FIELDS": "false",
}


@dataclass
class Deployed:
    """The four handlers over stages that use HTTP, and the AWS that answers."""

    aws: StubAws
    stages: World

    def plan(self) -> Invocation:
        """Let the schedule fire."""
        return invoke(self.stages, "plan", {"scheduled_time": SCHEDULED_TIME})

    def work(self, receives: int = 1) -> list[Invocation]:
        """Deliver the messages of every target so often, or until none fails; return the last invocations."""
        done = []
        for stage, batch in (("discover", {}), ("collect", {"batch": 0})):
            for account_id in IDS:
                message = {"v": 1, "run_id": RUN_ID, "account_id": account_id, "region": REGION, **batch}
                done.append(self._deliver(stage, json.dumps(message), receives))
        return done

    def _deliver(self, stage: str, message: str, receives: int) -> Invocation:
        for receive in range(1, receives):
            if (done := invoke(self.stages, stage, records(message, receive_count=receive))).failed == []:
                return done
        return invoke(self.stages, stage, records(message, receive_count=receives))

    def commit(self) -> Invocation:
        """Let commit look at the run."""
        return invoke(self.stages, "commit", records(json.dumps({"v": 1, "run_id": RUN_ID})))

    def run(self, hostile: Callable[[Request], Answer | None], receives: int = 3) -> list[Invocation]:
        """Run with a hostile AWS until the run is published, at its deadline at the latest; return the workers."""
        assert self.plan().error is None
        self.aws.hostile = hostile
        done = self.work(receives)
        self.commit()
        if snapshot_key(RUN_ID) not in self.aws.objects:
            self.aws.now += timedelta(seconds=DEADLINE_SECONDS)
            self.commit()
        return done

    def targets(self) -> dict[str, tuple[str, str | None]]:
        """Return status and detail of each account in the published coverage."""
        found = self._published(coverage_key(RUN_ID))
        return dict(
            zip(found["account_id"], zip(found["listing_status"], found["listing_detail"], strict=True), strict=True)
        )

    def nodes(self) -> dict[str, set[tuple[str, str | None]]]:
        """Return the statuses and details of each account's nodes in the snapshot."""
        found = self._published(snapshot_key(RUN_ID))
        nodes: dict[str, set[tuple[str, str | None]]] = {}
        for account_id, *outcome in zip(
            *(found[name] for name in ("account_id", "collection_status", "collection_detail")), strict=True
        ):
            nodes.setdefault(account_id, set()).add(cast("tuple[str, str | None]", tuple(outcome)))
        return nodes

    def _published(self, key: str) -> dict[str, list[Any]]:
        table = ParquetTables().open(self.aws.objects[key])
        return table.columns(table.column_names)


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """Return one session for all tests: reading the SDK's service models takes longest."""
    return boto3.Session("AKIAHOME", "testing", region_name=REGION)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, session: boto3.Session) -> Iterator[Deployed]:
    monkeypatch.setattr(bootstrap, "boto3", SimpleNamespace(Session=lambda **_: session))
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setattr(clients, "CONFIG", clients.CONFIG.merge(once))
    # The SDK's pauses between its attempts.
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    with http_stub() as stub:
        stub.set_clock(monkeypatch)
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": stub.url}.items():
            monkeypatch.setenv(name, value)
        aws = StubAws(stub)
        stub.answer = aws.answer
        stages = SimpleNamespace(
            plan=plan_stage(PlanConfig.read()),
            discover=discover_stage(DiscoverConfig.read()),
            collect=collect_stage(CollectConfig.read()),
            commit=commit_stage(CommitConfig.read()),
        )
        yield Deployed(aws, cast("World", stages))


def of_member(operation: str, answer: Answer) -> Callable[[Request], Answer | None]:
    """Answer one operation about the member account so, again and again."""
    return lambda request: answer if request.operation == operation and account_of(request) == MEMBER else None


READ = ("LISTED", None)
COLLECTED = {("COLLECTED", None)}
LISTING, STATES = "DescribeInstanceInformation", "DescribeInstancePatchStates"
UNKNOWN_OPERATION = b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException","message":null}}'


def test_an_aws_that_answers_as_it_should_is_read_completely(deployed: Deployed) -> None:
    workers = deployed.run(lambda _: None, receives=1)

    assert [worker.failed for worker in workers] == [[]] * 4
    assert deployed.targets() == {HOME: READ, MEMBER: READ}
    assert deployed.nodes() == {HOME: COLLECTED, MEMBER: COLLECTED}


@pytest.mark.parametrize(
    ("answer", "cause", "fix"),
    [
        (Answer(200, b"{}", {}), "is not an object with a list", "check that no proxy changes answers"),
        (Answer(200, UNKNOWN_OPERATION, {}), "is the error UnknownOperationException", "check that no proxy"),
        (Answer(407, b"<html>", {}), "the proxy refuses the request", "HTTPS_PROXY"),
        (Trickling(200, b"x" * 10_000, {}), "AWS returned an error or no usable answer", "AWS Health Dashboard"),
    ],
    ids=["no list", "error with status 200", "proxy", "trickling"],
)
def test_a_listing_that_may_be_an_outage_waits_for_the_deadline_and_the_log_has_the_cause(
    deployed: Deployed, answer: Answer, cause: str, fix: str
) -> None:
    _, listing, *_ = deployed.run(of_member(LISTING, answer))

    [line] = listing.logged("WARNING")
    assert (line["run_id"], line["account_id"], line["region"]) == (RUN_ID, MEMBER, REGION)
    assert [line["message"].count(text) for text in (f"{MEMBER}.{REGION}", cause, fix)] == [1, 1, 1]
    assert deployed.targets() == {HOME: READ, MEMBER: ("NOT_LISTED", "no shard by the run's deadline")}
    assert deployed.nodes() == {HOME: COLLECTED}


def test_nodes_whose_states_are_no_answer_are_not_called_never_scanned(deployed: Deployed) -> None:
    deployed.run(of_member(STATES, Answer(200, b"{}", {})))

    assert deployed.targets() == {HOME: READ, MEMBER: READ}
    assert deployed.nodes() == {HOME: COLLECTED, MEMBER: {("NOT_COLLECTED", "no part by the run's deadline")}}


def test_one_wrong_time_changes_nothing(deployed: Deployed) -> None:
    wrong = {"Date": "Tue, 03 Nov 2026 06:00:05 GMT"}
    once = iter([Answer(200, json.dumps({"InstanceInformationList": [{"InstanceId": IDS[HOME][0]}]}).encode(), wrong)])

    workers = deployed.run(lambda request: next(once, None) if request.operation == LISTING else None, receives=1)

    assert [worker.failed for worker in workers] == [[]] * 4
    assert deployed.targets() == {HOME: READ, MEMBER: READ}


@pytest.mark.parametrize(
    ("hostile", "code"),
    [
        (
            lambda request: query_error(403, "RegionDisabledException") if b"AssumeRole" in request.body else None,
            "RegionDisabledException",
        ),
        (
            of_member(LISTING, Answer(400, b'{"__type": "aws#SubscriptionRequiredException", "message": "why"}', {})),
            "SubscriptionRequiredException",
        ),
        (of_member(LISTING, Answer(451, b"", {})), "451"),
    ],
    ids=["STS", "SSM", "no code"],
)
def test_a_refusal_is_recorded_with_its_own_code_before_the_deadline(
    deployed: Deployed, hostile: Callable[[Request], Answer | None], code: str
) -> None:
    deployed.run(hostile)

    assert deployed.aws.now.hour == 6
    assert deployed.targets() == {HOME: READ, MEMBER: ("NOT_LISTED", code)}
    assert deployed.nodes() == {HOME: COLLECTED}


SHARD = shard_key(RUN_ID, Target(MEMBER, REGION))


@pytest.mark.parametrize(
    ("answer", "level", "said"),
    [
        (
            s3_error(400, "KMS.DisabledException"),
            "ERROR",
            "the KMS key is disabled (KMS.DisabledException): why. Enable",
        ),
        (s3_error(403, "AccessDenied", "not allowed: kms:GenerateDataKey"), "ERROR", "access denied to the KMS key"),
        (s3_error(501, "NotImplemented"), "ERROR", "does not support conditional writes (If-None-Match)"),
        (s3_error(409, "ConditionalRequestConflict"), "WARNING", "another request for the same object was in progress"),
        (Answer(200, b"", {}), "WARNING", "the answer to PutObject is not that of an object store"),
    ],
    ids=["key disabled", "key denied", "no conditions", "conflict", "no receipt"],
)
def test_a_store_that_refuses_says_why_and_costs_nothing_once_it_is_fixed(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, answer: Answer, level: str, said: str
) -> None:
    monkeypatch.setattr(deployed.stages.discover.store, "_pause", lambda _: None)
    deployed.plan()
    deployed.aws.hostile = lambda request: answer if (request.method, object_key(request)) == ("PUT", SHARD) else None

    _, listing, *_ = deployed.work()

    [line] = listing.logged(level)
    assert [line["message"].count(text) for text in (SHARD, said)] == [1, 1]
    deployed.run(lambda _: None, receives=1)
    assert deployed.targets() == {HOME: READ, MEMBER: READ}
    assert deployed.nodes() == {HOME: COLLECTED, MEMBER: COLLECTED}


@pytest.mark.parametrize("answer", [s3_error(501, "NotImplemented"), s3_error(400, "KMS.DisabledException"), Answer()])
def test_a_run_whose_plan_cannot_be_stored_fails_and_sends_nothing(deployed: Deployed, answer: Answer) -> None:
    deployed.aws.hostile = lambda request: answer if request.method == "PUT" else None

    planned = deployed.plan()

    assert planned.error is not None
    assert f"s3://lake/{plan_key(RUN_ID)}" in str(planned.error)
    assert [request for request in deployed.aws.stub.requests if b"/discover" in request.body] == []
    assert deployed.aws.objects == {}
