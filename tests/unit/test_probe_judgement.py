"""The verdicts of a probe, from observations alone."""

from dataclasses import replace
from typing import Any

import pytest

from patchlake_cli.probe.answers import Chain, Ending, Instance, NoAnswer, Node, Patch, PatchState, Tag
from patchlake_cli.probe.assumptions import judge
from patchlake_cli.probe.findings import Verdict
from patchlake_cli.probe.observations import Asked, Limit, NodePatches, Observations, UnknownNode
from patchlake_cli.probe.patch_judgement import judge_severity_counts
from patchlake_cli.probe.questions import LIST_NODES

REFUSED = NoAnswer("no", "ValidationException", refuses_value=True)
UNKNOWN = NoAnswer("a failure", "InternalServerError")
NODE = "i-0123456789abcdef0"


def chain(*rows: Any, stopped: NoAnswer | None = None) -> Chain[Any]:  # noqa: ANN401
    return Chain(rows, 0, len(rows), None if stopped else Ending.ABSENT, stopped)


def limit(at_allowed: int | NoAnswer = 50, at_beyond: int | NoAnswer = REFUSED) -> Limit:
    return Limit(50, 100, at_allowed, at_beyond)


LIMITS_OF_ROWS = ("node_pages", "instance_pages")
LIMITS = (*LIMITS_OF_ROWS, "patch_state_ids", "patch_state_pages", "patch_pages")
NOTHING = Observations(
    asked=(),
    throttles=(),
    proves_clock=True,
    limits=dict.fromkeys(LIMITS, limit(UNKNOWN, UNKNOWN)),
    instances=chain(stopped=UNKNOWN),
    own_instances=chain(stopped=UNKNOWN),
    starred_tags=chain(stopped=UNKNOWN),
    tags=chain(stopped=UNKNOWN),
    nodes=chain(stopped=UNKNOWN),
    properties=chain(stopped=UNKNOWN),
    unknown_node=UnknownNode(frozenset(), "", UNKNOWN),
    states=chain(stopped=UNKNOWN),
    patches=(),
    unfiltered=chain(stopped=UNKNOWN),
)


def verdict(name: str, **seen: Any) -> Verdict:  # noqa: ANN401
    [finding] = [each for each in judge(replace(NOTHING, **seen)) if each.assumption == name]
    return finding.verdict


def instance(state: str = "running", launch_time: float | None = None) -> Instance:
    return Instance(NODE, state, launch_time)


def patched(**changes: Any) -> NodePatches:  # noqa: ANN401
    rows = {"Missing": chain(Patch("Missing", "a", "KB1", 0)), "Failed": chain(Patch("Failed", "b", "KB2", 0))}
    each = {"InstalledPendingReboot": chain(), "InstalledRejected": chain(), "AvailableSecurityUpdate": chain(), **rows}
    together = chain(*(row for one in rows.values() for row in one.rows))
    state = PatchState(NODE, missing_count=1, failed_count=1)
    return replace(NodePatches(state, is_steady=True, together=together, each=each), **changes)


def test_without_answers_nothing_is_observable() -> None:
    assert {finding.verdict for finding in judge(NOTHING)} == {Verdict.NOT_OBSERVABLE}


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (limit(), "CONFIRMED"),
        (limit(0), "CONFIRMED"),
        (limit(REFUSED), "REFUTED"),
        (limit(51), "REFUTED"),
        (limit(50, 70), "REFUTED"),
        (limit(50, UNKNOWN), "NOT_OBSERVABLE"),
        (limit(UNKNOWN), "NOT_OBSERVABLE"),
    ],
)
def test_a_limit_holds_if_its_size_is_answered_and_a_larger_one_refused(name: str, found: Limit, expected: str) -> None:
    assert verdict(name, limits={**NOTHING.limits, name: found}) == expected


@pytest.mark.parametrize("name", LIMITS)
def test_a_larger_size_may_be_accepted_only_where_its_rows_show_the_limit(name: str) -> None:
    limits = {**NOTHING.limits, name: limit(50, 50)}

    assert verdict(name, limits=limits) == ("NOT_OBSERVABLE" if name in LIMITS_OF_ROWS else "REFUTED")


@pytest.mark.parametrize(
    ("state", "nodes", "expected"),
    [("running", [Node(NODE)], "CONFIRMED"), ("running", [], "REFUTED"), ("stopped", [], "CONFIRMED")],
)
def test_a_running_node_that_the_list_lacks_refutes_it(state: str, nodes: list[Node], expected: str) -> None:
    seen = {"nodes": chain(*nodes), "properties": chain(Node(NODE)), "instances": chain(instance(state))}

    assert verdict("node_list", **seen) == expected


@pytest.mark.parametrize(("minutes", "expected"), [(59, "CONFIRMED"), (61, "REFUTED")])
def test_an_instance_that_was_just_launched_may_become_a_node_between_the_listings(minutes: int, expected: str) -> None:
    ping = 10_000_000.0
    launched = instance(launch_time=ping - 60 * minutes)

    seen = {"nodes": chain(), "properties": chain(Node(NODE, ping)), "instances": chain(launched)}

    assert verdict("node_list", **seen) == expected


@pytest.mark.parametrize(("ping", "expected"), [(10_000, "CONFIRMED"), (1_000, "REFUTED"), (None, "REFUTED")])
def test_a_stopped_instance_is_a_node_only_shortly_after_its_last_ping(ping: int | None, expected: str) -> None:
    nodes = chain(Node(NODE, ping), Node("i-00000001", 10_000))

    assert verdict("stopped_nodes", nodes=nodes, instances=chain(instance("stopped"))) == expected


def test_one_filter_must_have_the_rows_of_a_filter_for_each_state() -> None:
    fewer = chain(Patch("Missing", "a", "KB1", 0))

    assert verdict("patch_filter", patches=[patched()]) == "CONFIRMED"
    assert verdict("patch_filter", patches=[patched(together=fewer)]) == "REFUTED"
    assert verdict("patch_filter", patches=[patched(together=fewer, is_steady=False)]) == "NOT_OBSERVABLE"
    assert verdict("patch_filter", patches=[patched(together=chain(stopped=UNKNOWN))]) == "NOT_OBSERVABLE"


def test_as_many_patches_must_come_as_are_counted() -> None:
    other = PatchState(NODE, missing_count=2, failed_count=1)

    assert verdict("patch_counts", patches=[patched()]) == "CONFIRMED"
    assert verdict("patch_counts", patches=[patched(state=other)]) == "REFUTED"
    assert verdict("patch_counts", patches=[patched(state=PatchState(NODE))]) == "NOT_OBSERVABLE"


@pytest.mark.parametrize(
    ("missing", "available", "security", "expected"),
    [
        (0, 3, 0, "CONFIRMED"),
        (0, 3, 3, "REFUTED"),
        (1, 3, 4, "REFUTED"),
        (3, 3, 3, "NOT_OBSERVABLE"),
        (0, 0, 0, "NOT_OBSERVABLE"),
        (None, 3, 3, "NOT_OBSERVABLE"),
    ],
)
def test_a_severity_count_above_the_four_counts_has_available_updates(
    missing: int | None, available: int, security: int, expected: str
) -> None:
    state = PatchState(
        NODE,
        missing_count=missing,
        failed_count=0,
        installed_pending_reboot_count=0,
        installed_rejected_count=0,
        available_security_update_count=available,
        critical_non_compliant_count=0,
        security_non_compliant_count=security,
        other_non_compliant_count=0,
    )

    assert judge_severity_counts(replace(NOTHING, states=chain(state))).verdict == expected


@pytest.mark.parametrize(
    ("name", "patch", "expected"),
    [
        ("patch_spelling", Patch("Missing"), "CONFIRMED"),
        ("patch_spelling", Patch("INSTALLED_PENDING_REBOOT"), "REFUTED"),
        ("patch_spelling", Patch("a name of theirs"), "REFUTED"),
        ("installed_time", Patch("Missing", installed_time=0.0), "CONFIRMED"),
        ("installed_time", Patch("Missing", installed_time=5), "REFUTED"),
        ("installed_time", Patch("Installed", installed_time=5), "NOT_OBSERVABLE"),
        ("year_one", Patch("Installed", installed_time=-62_135_596_800.0), "CONFIRMED"),
        ("year_one", Patch("Installed", installed_time=5), "REFUTED"),
        ("year_one", Patch("Installed", installed_time=1.7e9), "NOT_OBSERVABLE"),
        ("cve_ids", Patch("Failed", cve_ids="CVE-1"), "CONFIRMED"),
        ("cve_ids", Patch("InstalledPendingReboot", cve_ids="CVE-1"), "REFUTED"),
        ("cve_ids", Patch("Missing"), "NOT_OBSERVABLE"),
    ],
)
def test_a_patch_shows_spelling_times_and_cves(name: str, patch: Patch, expected: str) -> None:
    assert verdict(name, unfiltered=chain(patch)) == expected


def test_an_unknown_spelling_is_not_printed() -> None:
    seen = replace(NOTHING, unfiltered=chain(Patch("a name of theirs"), Patch("NOT_APPLICABLE")))

    assert "theirs" not in str(judge(seen))
    assert "NotApplicable" in str(judge(seen))


@pytest.mark.parametrize(("ending", "expected"), [(Ending.EMPTY, "CONFIRMED"), (Ending.NULL, "REFUTED")])
def test_a_last_page_has_no_token_or_an_empty_one(ending: Ending, expected: str) -> None:
    assert verdict("last_page", nodes=Chain((), 0, 0, ending, None)) == expected


def test_a_star_that_brings_other_keys_is_a_wildcard() -> None:
    assert verdict("tag_wildcards", starred_tags=chain(Tag("Owner"))) == "CONFIRMED"
    assert verdict("tag_wildcards", starred_tags=chain(Tag("*")), tags=chain(Tag("*"))) == "NOT_OBSERVABLE"
    assert verdict("tag_wildcards", starred_tags=chain(Tag("*"))) == "NOT_OBSERVABLE"
    assert verdict("tag_wildcards", starred_tags=chain(), tags=chain(Tag("Owner"))) == "REFUTED"


@pytest.mark.parametrize(
    ("ahead", "proves_clock", "expected"),
    [
        ([1, 2], True, "CONFIRMED"),
        ([9000, 9001], True, "REFUTED"),
        ([9000, 9001], False, "CONFIRMED"),
        ([0, 9000], False, "REFUTED"),
        ([1], True, "NOT_OBSERVABLE"),
    ],
)
def test_the_times_of_answers_agree(ahead: list[float], proves_clock: bool, expected: str) -> None:  # noqa: FBT001
    asked = [Asked(LIST_NODES.permission, 0.1, each, is_answer=True) for each in ahead]

    assert verdict("date_header", asked=asked, proves_clock=proves_clock) == expected
    assert verdict("page_seconds", asked=asked) == "CONFIRMED"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0.1], "CONFIRMED"),
        ([9], "NOT_OBSERVABLE"),
        ([9, 0.1, 0.1], "CONFIRMED"),
        ([9, 9], "REFUTED"),
    ],
)
def test_one_slow_page_alone_refutes_nothing(seconds: list[float], expected: str) -> None:
    asked = [Asked(LIST_NODES.permission, each, None, is_answer=True) for each in seconds]

    assert verdict("page_seconds", asked=asked) == expected


@pytest.mark.parametrize(
    ("answered", "expected"),
    [({NODE}, Verdict.CONFIRMED), (set(), Verdict.REFUTED), ({NODE, "i-unknown"}, Verdict.REFUTED)],
)
def test_an_unknown_node_is_left_out_only_if_the_known_ones_are_answered(answered: set[str], expected: Verdict) -> None:
    about = UnknownNode(frozenset({NODE, "i-unknown"}), "i-unknown", frozenset(answered))

    assert verdict("unknown_node", unknown_node=about, states=chain(PatchState(NODE))) is expected


def test_an_empty_answer_shows_nothing_if_no_node_is_known_to_have_a_state() -> None:
    about = UnknownNode(frozenset({NODE, "i-unknown"}), "i-unknown", frozenset())

    assert verdict("unknown_node", unknown_node=about, states=chain()) is Verdict.NOT_OBSERVABLE


@pytest.mark.parametrize(
    "ping", [10**400, -(10**400), 1e300, float("inf")], ids=["long", "negative", "large", "infinite"]
)
def test_a_ping_beyond_the_calendar_is_no_time(ping: float) -> None:
    seen = {"properties": chain(Node(NODE, ping)), "nodes": chain(Node(NODE, ping))}
    for instances in (chain(instance("stopped", 1.7e9)), chain(instance("running", 1.7e9))):
        assert verdict("node_list", instances=instances, **seen) is Verdict.CONFIRMED
