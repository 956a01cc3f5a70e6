"""Whole runs on the embedded AWS whose hosts die and whose queues repeat and reorder: none loses or changes a byte."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest

from patchlake.core.keys import snapshot_key
from patchlake_cli.embedded.aws.server import EmbeddedAws, start_server
from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.embedded.lambda_.pump import Batch, Crash, Disturbance
from tests.deployed import DeployedRun, new_stack, readable_nodes, running, set_queue


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with start_server(Settings(nodes=700, accounts=2, regions=2)) as server:
        yield server


def stack_of(aws: EmbeddedAws) -> DeployedStack:
    """Deploy a stack whose runs read every source."""
    return new_stack(aws, BatchSize="120", TagKeys="Environment,Owner")


@pytest.fixture(scope="module")
def undisturbed(aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedRun]:
    with running(aws, stack_of(aws), 0, tmp_path_factory.mktemp("undisturbed"), concurrency=2) as run:
        run.fire()
        run.wait_until_committed()
        yield run


def has_stored_more(run: DeployedRun, before: int) -> bool:
    return run.observation.secondary_done > before


@pytest.mark.parametrize("queue", ["detail", "listing"])
def test_processes_that_are_killed_in_the_middle_of_secondary_sources_lose_and_change_nothing(
    queue: str, aws: EmbeddedAws, undisturbed: DeployedRun, tmp_path: Path
) -> None:
    stack = stack_of(aws)
    _, source = stack.event_sources[queue]
    set_queue(aws, source.queue_url, visibility_seconds=1)
    with running(aws, stack, 0, tmp_path, concurrency=2) as run:
        run.fire()
        for _ in range(3):
            before = run.observation.secondary_done
            run.wait(partial(has_stored_more, run, before))
            run.pipeline.pumps[queue].kill_environments()
        run.wait_until_committed()

        assert run.objects() == undisturbed.objects()
        assert set(run.versions().values()) == {1}


@pytest.mark.parametrize("crash", Crash)
def test_a_host_that_dies_around_every_first_message_loses_nothing(
    crash: Crash, aws: EmbeddedAws, tmp_path: Path
) -> None:
    def dying() -> Disturbance:
        crashed: set[str] = set()

        def crash_once(batch: Batch) -> Crash | None:
            fresh = {message["Body"] for message in batch} - crashed
            crashed.update(fresh)
            return crash if fresh and len(crashed) <= 2 else None

        return Disturbance(crash=crash_once)

    stack = new_stack(aws, BatchSize="200")
    for _, source in stack.event_sources.values():
        set_queue(aws, source.queue_url, visibility_seconds=1)
    disturbances = {name: dying() for name in stack.event_sources}
    with running(aws, stack, 0, tmp_path, disturbances, concurrency=2) as run:
        run.fire()
        run.wait(lambda: run.pipeline.store.exists(snapshot_key(run.run_id)))

        assert [row[:3] for row in run.nodes()] == readable_nodes(run)
        assert set(run.versions().values()) == {1}


def test_equal_stacks_publish_equal_bytes_whatever_the_queues_do(
    aws: EmbeddedAws, undisturbed: DeployedRun, tmp_path: Path
) -> None:
    def twice_and_backwards(batch: Batch) -> Iterable[Batch]:
        return [[message] for message in reversed([*batch, *batch])]

    def published(run: DeployedRun) -> dict[str, bytes]:
        return {key: body for key, body in run.objects().items() if key.startswith(("plans/", "lake/"))}

    stack = stack_of(aws)
    disturbances = {name: Disturbance(arrange=twice_and_backwards) for name in stack.event_sources}
    with running(aws, stack, 0, tmp_path, disturbances, concurrency=2) as wild:
        wild.fire()
        wild.fire()
        wild.wait_until_committed()

        assert len(published(wild)) == 6
        assert published(wild) == published(undisturbed)
        assert set(wild.versions().values()) == {1}
