"""One run in one process: workers, refusals, the deadline, and early ends."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from patchlake.adapters.memory import MemoryStore
from patchlake.core.keys import part_key
from patchlake.core.targets import Target
from patchlake.errors import IntegrityError, PermanentError, RefusedError, RetryableError, ThrottledError
from patchlake.sources.instances import INSTANCES, Instance
from patchlake.sources.patches import PATCHES
from patchlake.sources.source import ListingSource
from patchlake.sources.tags import TAGS
from patchlake.stages.commit import CommitOutcome
from patchlake_cli.access.sessions import CredentialsError
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.export.run_loop import THROTTLED
from patchlake_cli.terminal.observation import Observation
from tests.export_world import Exported, ExportWorld
from tests.watched_store import WatchedStore, fail_once, once
from tests.world import EU, HOME, RUN_ID, US, node_id

MEMBER = Target("444455556666", "eu-central-1")
PATIENCE_SECONDS = 60


def outcome(exported: Exported) -> CommitOutcome | None:
    return None if exported.result is None else exported.result.outcome


def test_every_node_of_every_target_is_in_the_snapshot_once() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(0, 30, 2))
    world.add_nodes(US, range(1, 30, 2))

    exported = world.export(regions=("us-east-1", "eu-central-1"))

    assert outcome(exported) is CommitOutcome.COMPLETE
    rows = world.snapshot(RUN_ID)
    assert list(zip(rows["region"], rows["instance_id"], strict=True)) == [
        *((EU.region, node_id(number)) for number in range(0, 30, 2)),
        *((US.region, node_id(number)) for number in range(1, 30, 2)),
    ]


def test_the_progress_counts_targets_nodes_and_calls() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(5))

    seen = world.export(regions=("us-east-1", "eu-central-1")).observation

    assert (seen.targets, seen.targets_done, seen.nodes_listed, seen.nodes_done) == (2, 2, 5, 5)
    assert seen.metrics["SsmCalls"] == 2 + 3


def test_a_refusal_counts_at_once() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(3))

    def refuse(target: Target) -> None:
        if target == MEMBER:
            raise RefusedError("ROLE_NOT_ASSUMABLE", "AccessDenied", "no")

    world.apis.before_open = refuse

    exported = world.export(accounts=(HOME, MEMBER.account_id))

    assert outcome(exported) is CommitOutcome.PARTIAL
    assert world.coverage(RUN_ID)["listing_status"] == ["LISTED", "ROLE_NOT_ASSUMABLE"]
    assert exported.observation.trouble is None


def test_a_target_that_answers_slowly_holds_one_worker_and_nobody_else() -> None:
    world = ExportWorld()
    others = [Target(f"4444555566{number:02d}", "eu-central-1") for number in range(12)]
    world.add_nodes(EU, range(40))
    for target in others:
        world.add_nodes(target, range(6))
    others_done = threading.Event()

    def wait_for_the_others(operation: str) -> None:
        if operation == "DescribeInstancePatchStates":
            assert others_done.wait(PATIENCE_SECONDS), "the slow target holds the others"

    world.apis.of(EU).before_call = wait_for_the_others

    def on_progress(seen: Observation) -> None:
        if seen.nodes_done >= 12 * 6:
            others_done.set()

    exported = world.export(accounts=(HOME, *(t.account_id for t in others)), on_progress=on_progress)

    assert outcome(exported) is CommitOutcome.COMPLETE


def test_of_one_target_as_many_calls_are_under_way_as_there_are_connections_and_never_more() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(600))
    lock, under_way, most = threading.Lock(), 0, 0
    three_at_once = threading.Barrier(3)

    def count(operation: str) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        if operation == "DescribeInstancePatchStates":
            three_at_once.wait(PATIENCE_SECONDS)
        with lock:
            under_way -= 1

    world.apis.of(EU).before_call = count

    world.export(batch_size=150, connections=3)

    assert most == 3


def test_a_failure_that_passes_is_tried_again_and_told() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(3))
    failures = iter(["throttled", "throttled again"])

    def fail_twice(_: str) -> None:
        if (text := next(failures, None)) is not None:
            raise RetryableError(text)

    world.apis.of(EU).before_call = fail_twice

    exported = world.export()

    assert outcome(exported) is CommitOutcome.COMPLETE
    assert exported.observation.trouble == "throttled again"


def test_throttling_that_no_message_fails_by_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchlake.stages.throttled_calls.throttle_pause_seconds", lambda *_: 0)
    world = ExportWorld()
    world.add_nodes(EU, range(5))
    waiting = [1]

    def before_call(_: str) -> None:
        if waiting:
            world.apis.call_counter.add(throttles=waiting.pop())
            raise ThrottledError("throttled")

    world.apis.of(EU).before_call = before_call

    exported = world.export()

    assert outcome(exported) is CommitOutcome.COMPLETE
    assert exported.observation.trouble == THROTTLED


def test_an_export_that_ends_does_not_take_a_listing_that_it_stops_for_one_that_is_too_large() -> None:
    world = ExportWorld()
    listing, stopped = threading.Event(), threading.Event()

    def stop_in_the_middle(_: str) -> None:
        listing.set()
        assert stopped.wait(PATIENCE_SECONDS)
        raise ThrottledError("throttled")

    world.apis.of(EU).before_call = stop_in_the_middle

    def on_progress(_: Observation) -> None:
        if listing.is_set():
            stopped.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.export(on_progress=on_progress)
    world.apis.of(EU).before_call = lambda _: None

    assert outcome(world.export()) is CommitOutcome.COMPLETE


def test_a_lake_that_fails_for_now_under_commit_is_asked_again() -> None:
    world = ExportWorld(WatchedStore(before=fail_once("create", "lake/")))
    world.add_nodes(EU, range(3))

    assert outcome(world.export()) is CommitOutcome.COMPLETE


def test_what_has_not_come_by_the_deadline_is_named_as_missing() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(4))

    def time_runs_out(operation: str) -> None:
        if operation == "DescribeInstancePatchStates":
            world.clock.advance(4000)
            raise RetryableError("throttled")

    world.apis.of(EU).before_call = time_runs_out

    exported = world.export(connections=1)

    assert outcome(exported) is CommitOutcome.PARTIAL
    assert set(world.snapshot(RUN_ID)["collection_status"]) == {"NOT_COLLECTED"}


def test_from_the_deadline_of_details_on_no_worker_asks_for_patches() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(6))
    asked: list[str] = []

    def too_late(operation: str) -> None:
        if operation == PATCHES.operation.name:
            asked.append(operation)
            world.clock.advance(600)
            raise RetryableError("InternalServerError")

    world.apis.of(EU).before_call = too_late

    exported = world.export(patches=True, detail_deadline_seconds=600)

    assert outcome(exported) is CommitOutcome.COMPLETE
    assert len(asked) == 1
    assert world.coverage(RUN_ID)["patches_nodes_not_collected"] == [6]


def with_instances(world: ExportWorld) -> ExportWorld:
    """Let EC2 list an instance for each of six nodes."""
    found: dict[str, list[Any]] = {
        node_id(number): [msgspec.convert({"InstanceId": node_id(number)}, type=Instance)] for number in range(6)
    }
    world.add_nodes(EU, range(6))
    world.apis.of(EU).others[INSTANCES.operation.name] = found
    return world


@pytest.mark.parametrize("source", [INSTANCES, TAGS], ids=["instances", "tags"])
def test_from_the_deadline_of_details_on_no_worker_asks_ec2(source: ListingSource) -> None:
    world = with_instances(ExportWorld())
    asked: list[str] = []

    def too_late(operation: str) -> None:
        if operation == source.operation.name:
            asked.append(operation)
            world.clock.advance(600)
            raise RetryableError("InternalError")

    world.apis.of(EU).before_call = too_late

    exported = world.export(instances=True, tag_keys=("Owner",), detail_deadline_seconds=600)

    assert outcome(exported) is CommitOutcome.COMPLETE
    assert len(asked) == 1
    assert world.coverage(RUN_ID)[f"{source.name}_status"] == ["NOT_LISTED"]


def test_ssm_and_ec2_of_one_target_are_asked_at_the_same_time() -> None:
    world = with_instances(ExportWorld())
    ec2_is_asked = threading.Event()

    def before(operation: str) -> None:
        match operation:
            case "DescribeInstances":
                ec2_is_asked.set()
            case "DescribeInstanceInformation":
                assert ec2_is_asked.wait(PATIENCE_SECONDS)

    world.apis.of(EU).before_call = before

    exported = world.export(instances=True)

    assert outcome(exported) is CommitOutcome.COMPLETE
    assert world.coverage(RUN_ID)["instances_rows"] == [6]


def test_past_its_deadline_a_run_is_finished_without_asking_ssm() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(4))
    world.apis.of(EU).before_call = stop_at("DescribeInstancePatchStates")
    with pytest.raises(PermanentError):
        world.export()
    world.clock.at += timedelta(days=2)
    world.apis.of(EU).before_call = stop_at("DescribeInstancePatchStates")

    exported = world.export(RUN_ID)

    assert outcome(exported) is CommitOutcome.PARTIAL
    assert world.snapshot(RUN_ID)["collection_detail"] == ["no part by the run's deadline"] * 4


def stop_at(operation: str) -> Callable[[str], None]:
    """Return a ``before_call`` that ends the export."""

    def before(called: str) -> None:
        if called == operation:
            raise PermanentError("the disk is full")

    return before


def test_what_no_retry_will_mend_ends_the_export_and_the_next_one_goes_on() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(5))
    world.apis.of(EU).before_call = stop_at("DescribeInstancePatchStates")
    with pytest.raises(PermanentError, match="disk is full"):
        world.export()
    world.apis.of(EU).before_call = lambda _: None
    world.apis.call_counter.drain()

    exported = world.export()

    assert not exported.is_new
    assert outcome(exported) is CommitOutcome.COMPLETE
    assert exported.observation.metrics["SsmCalls"] == 3, "the listing was stored and is not asked for again"
    assert (exported.observation.targets_done, exported.observation.nodes_done) == (1, 5)


def test_a_damaged_part_is_found_before_anything_is_published() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(2))
    world.store.create(part_key(RUN_ID, EU, 0), b"not Parquet")

    exported = world.export()

    assert outcome(exported) is CommitOutcome.CORRUPT
    assert exported.result is not None
    assert part_key(RUN_ID, EU, 0) in str(exported.result.detail)


def test_a_damaged_shard_ends_the_export() -> None:
    store = WatchedStore()
    world = ExportWorld(store)
    store.before = once(
        "get",
        f"runs/{RUN_ID}/shards/",
        lambda: store.objects.update({f"runs/{RUN_ID}/shards/{EU}.parquet": b"not Parquet"}),
    )

    with pytest.raises(IntegrityError, match=f"shards/{EU}"):
        world.export()


def test_credentials_that_have_ended_end_the_export() -> None:
    world = ExportWorld()

    def ended() -> None:
        raise CredentialsError("renew them")

    world.identify = ended  # type: ignore[assignment]

    with pytest.raises(CredentialsError):
        world.export()


def test_a_network_that_fails_for_a_moment_does_not_end_the_export() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(2))
    identify, failures = world.identify, iter([CommandError("cannot get your identity from AWS")])

    def fail_once_then_answer() -> object:
        if (failure := next(failures, None)) is not None:
            raise failure
        return identify()

    world.identify = fail_once_then_answer  # type: ignore[assignment]

    exported = world.export()

    assert outcome(exported) is CommitOutcome.COMPLETE
    assert exported.observation.trouble == "cannot get your identity from AWS"


def test_a_run_is_published_while_sts_cannot_be_reached() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(2))

    def fail() -> None:
        raise CommandError("cannot get your identity from AWS: 503")

    world.identify = fail  # type: ignore[assignment]

    assert outcome(world.export()) is CommitOutcome.COMPLETE


def test_a_run_that_is_not_closed_long_after_its_deadline_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchlake_cli.export.run_loop.CLOSING_SECONDS", 0)
    world = ExportWorld()
    # AWS's time stands still here, as it does for an export that cannot reach AWS.
    world.apis.of(EU).before_call = fail

    with pytest.raises(CommandError, match=f"run {RUN_ID} has passed its deadline, .*: no answer. The same command"):
        world.export(deadline_seconds=1)


def fail(_: str) -> None:
    raise RetryableError("no answer")


def test_a_full_folder_for_temporary_files_ends_the_export_at_its_first_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(2))
    merges: list[int] = []

    def full() -> object:
        merges.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)

    with pytest.raises(PermanentError, match=r"folder for temporary files, .*: No space left on device\. Expected"):
        world.export()
    assert len(merges) == 1


def test_two_exports_at_once_give_one_snapshot() -> None:
    store = MemoryStore()
    worlds = [ExportWorld(store), ExportWorld(store)]
    results: list[Exported] = []
    for world in worlds:
        world.add_nodes(EU, range(40))

    threads = [threading.Thread(target=lambda world=world: results.append(world.export())) for world in worlds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert {outcome(exported) for exported in results} <= {CommitOutcome.COMPLETE, CommitOutcome.LATE, None}
    assert len(results) == 2
    assert worlds[0].snapshot(RUN_ID)["instance_id"] == [node_id(number) for number in range(40)]
