"""A run is followed through the logs of its functions."""

import json

from patchlake_cli.terminal.observation import Observation

RUN_ID = "20261101T060000Z"


def said(**entry: object) -> str:
    return json.dumps({"run_id": RUN_ID, **entry})


def test_a_run_that_was_published_before_has_no_targets_to_tell_of() -> None:
    seen = Observation(RUN_ID)

    seen.read(said(message="planned", step="LATE"))

    assert seen.targets is None


def test_a_run_is_followed_from_its_plan_to_its_end() -> None:
    seen = Observation(RUN_ID)

    seen.read(said(message="planned", active_targets=3))
    seen.read(said(message="discovered", source="nodes", step="STORED", nodes=70))
    seen.read(
        said(message="collected", source="patch_states", step="STORED", nodes={"COLLECTED": 40, "NO_PATCH_STATE": 10})
    )
    seen.read(said(message="committed", outcome="PARTIAL", detail=None))

    assert (seen.targets, seen.targets_done, seen.nodes_listed, seen.nodes_done) == (3, 1, 70, 50)
    assert seen.outcome == "PARTIAL"


def test_what_secondary_sources_store_is_progress_and_no_node() -> None:
    seen = Observation(RUN_ID)

    seen.read(said(message="discovered", source="instances", step="STORED", nodes=70))
    seen.read(said(message="collected", source="patches", step="STORED", nodes={"COLLECTED": 40}))
    seen.read(said(message="collected", source="patches", step="ADOPTED", nodes={}))

    assert (seen.targets_done, seen.nodes_listed, seen.nodes_done, seen.secondary_done) == (0, 0, 0, 2)


def test_what_was_done_before_is_not_counted_again() -> None:
    seen = Observation(RUN_ID)

    seen.read(said(message="discovered", step="ADOPTED", nodes=70))
    seen.read(said(message="collected", step="ADOPTED", nodes={}))
    seen.read(said(message="committed", outcome="LATE"))

    assert (seen.targets_done, seen.nodes_done, seen.outcome) == (0, 0, None)


def test_another_run_says_nothing_about_this_one() -> None:
    seen = Observation(RUN_ID)

    seen.read(json.dumps({"run_id": "20261031T060000Z", "message": "committed", "outcome": "COMPLETE"}))

    assert seen.outcome is None


def test_metrics_add_up() -> None:
    seen = Observation(RUN_ID)
    directive = {"Namespace": "patchlake", "Metrics": [{"Name": "SsmCalls", "Unit": "Count"}]}

    for calls in ([40.0], 2):
        seen.read(json.dumps({"_aws": {"CloudWatchMetrics": [directive]}, "SsmCalls": calls}))

    assert seen.metrics["SsmCalls"] == 42


def test_lines_that_are_no_json_objects_say_nothing() -> None:
    seen = Observation(RUN_ID)

    for line in ("START", "[1]", '"text"', ""):
        seen.read(line)

    assert seen == Observation(RUN_ID)
