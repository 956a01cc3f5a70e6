"""A deployed stack on an embedded AWS, for tests of the real handlers over real HTTP."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from patchlake.core.keys import coverage_key, snapshot_key
from patchlake.core.run import run_id_of
from patchlake.stages.commit import GAPS_METRIC
from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.cloudformation.deploy import deploy
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.embedded.lambda_.pipeline import Pipeline, running_pipeline
from patchlake_cli.embedded.lambda_.pump import Disturbance
from patchlake_cli.terminal.observation import Observation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
PATIENCE_SECONDS = 60

POISON = "never-to-be-seen"
"""Marks sensitive values that a test makes up."""

SECRET = re.compile(rf"{POISON}|embedded-secret|\b10\.\d+\.\d+\.\d+\b")
"""Finds them, the credentials that the embedded AWS checks and gives, and the IP addresses of its fleet."""

_numbers = count(1)


def new_stack(aws: EmbeddedAws, **parameters: str) -> DeployedStack:
    """Deploy template.yaml once more, with short times and small batches."""
    settings = {
        "Accounts": "organization",
        "Regions": ",".join(aws.settings.region_list()),
        "BatchSize": "50",
        "TickSeconds": "1",
        "RetrySeconds": "0",
    }
    return deploy(TEMPLATE, aws.endpoint, stack_name=f"test{next(_numbers)}", parameters=settings | parameters)


def sqs(endpoint: Endpoint) -> "SQSClient":
    """Return a client of the home account."""
    return endpoint.session.client("sqs", endpoint_url=endpoint.url, config=endpoint.config)


def s3(endpoint: Endpoint) -> "S3Client":
    """Return a client of the home account."""
    return endpoint.session.client("s3", endpoint_url=endpoint.url, config=endpoint.config)


def set_queue(aws: EmbeddedAws, url: str, *, visibility_seconds: int, receives: int | None = None) -> None:
    """Shorten a queue's visibility timeout: SQS hides messages in real time, also in the embedded AWS.

    Args:
        aws: the AWS of the queue.
        url: the queue.
        visibility_seconds: its new visibility timeout.
        receives: its new ``maxReceiveCount``, if the template's is too large for the test.
    """
    client = sqs(aws.endpoint)
    client.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(visibility_seconds)})
    if receives is not None:
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
        policy = json.dumps(json.loads(attributes["RedrivePolicy"]) | {"maxReceiveCount": receives})
        client.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})


@dataclass
class DeployedRun:
    """One run of a running pipeline, and its results.

    Attributes:
        lines: the log of all runs of the pipeline.
        observations: that listen to what is logged.
        folder: for files.
    """

    aws: EmbeddedAws
    pipeline: Pipeline
    lines: list[dict[str, Any]]
    observations: list[Observation]
    day: int
    folder: Path

    def __post_init__(self) -> None:
        self.at = self.aws.fleet.run_at(self.day)
        self.run_id = run_id_of(self.at.isoformat())
        self.observation = Observation(self.run_id)
        self.observations.append(self.observation)

    def on_day(self, day: int) -> "DeployedRun":
        """Begin another day, on the functions that this run has left warm."""
        self.aws.begin_day(day)
        return replace(self, day=day)

    def fire(self) -> None:
        """Let the schedule fire."""
        self.pipeline.fire(self.at)

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait until a condition is true, and fail if nothing happens for long."""
        seen = self.observation

        def progress() -> object:
            return seen.targets_done, seen.nodes_done, seen.secondary_done, seen.outcome

        assert self.pipeline.wait(done, progress=progress, patience_seconds=PATIENCE_SECONDS), self.lines[-3:]

    def wait_until_committed(self) -> None:
        """Wait until commit has ended the run's watch."""
        self.wait(lambda: self.observation.outcome is not None)

    def detail_gaps(self) -> int:
        """Return the metric of the published run; a function prints its metrics after its log lines."""
        self.wait(lambda: GAPS_METRIC in self.observation.metrics)
        return self.observation.metrics[GAPS_METRIC]

    def nodes(self) -> list[tuple[Any, ...]]:
        """Return account, region, id, status and detail of every row of the snapshot, in its order."""
        return self._rows(
            snapshot_key(self.run_id), "account_id, region, instance_id, collection_status, collection_detail"
        )

    def coverage(self) -> list[tuple[Any, ...]]:
        """Return account, region, status and number of nodes of every target, in order."""
        return self._rows(coverage_key(self.run_id), "account_id, region, listing_status, nodes_listed")

    def objects(self) -> dict[str, bytes]:
        """Return every object of the bucket, by key."""
        store = self.pipeline.store
        return {key: store.get(key) or b"" for key in store.keys("")}

    def versions(self) -> dict[str, int]:
        """Return how often each key of the bucket has been written or deleted."""
        found: dict[str, int] = {}
        pages = s3(self.aws.endpoint).get_paginator("list_object_versions").paginate(Bucket=self.pipeline.stack.bucket)
        for page in pages:
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                found[version["Key"]] = found.get(version["Key"], 0) + 1
        return found

    def queue_url(self, name: str) -> str:
        """Return the URL of the queue of an event source."""
        _, source = self.pipeline.stack.event_sources[name]
        return source.queue_url

    def _rows(self, key: str, columns: str) -> list[tuple[Any, ...]]:
        path = self.folder / f"{self.run_id}.parquet"
        path.write_bytes(self.pipeline.store.get(key) or b"")
        return duckdb.connect().execute(f"SELECT {columns} FROM '{path}'").fetchall()  # noqa: S608


def readable_nodes(run: DeployedRun) -> list[tuple[str, str, str]]:
    """Return account, region and id of every node that the fleet has in targets that can be read."""
    refused = run.aws.settings.conditions.refused_accounts
    return [
        (*target, node.instance_id)
        for target in sorted(run.aws.fleet.targets)
        if target.account_id not in refused
        for node in run.aws.fleet.nodes(target, run.day)
    ]


@contextmanager
def running(  # noqa: PLR0913
    aws: EmbeddedAws,
    stack: DeployedStack,
    day: int,
    folder: Path,
    disturbances: dict[str, Disturbance] | None = None,
    *,
    concurrency: int = 1,
) -> Iterator[DeployedRun]:
    """Run a stack's functions, with the fleet and the clock of a day; no secret may be in what they log.

    A queue has one process, which costs half a second to start, unless a test is about several at once.
    """
    lines: list[dict[str, Any]] = []
    leaks: list[str] = []
    observations: list[Observation] = []

    def on_log(stage: str, line: str) -> None:
        # A traceback is text. An error here would end the thread that reads the log, and the function never answer.
        lines.append({"stage": stage} | (json.loads(line) if line.startswith("{") else {"text": line}))
        leaks.extend(SECRET.findall(line))
        for observation in observations:
            observation.read(line)

    aws.begin_day(day)
    with running_pipeline(stack, aws.endpoint, on_log, concurrency=concurrency, disturbances=disturbances) as pipeline:
        yield DeployedRun(aws, pipeline, lines, observations, day, folder)
    assert not leaks, leaks
