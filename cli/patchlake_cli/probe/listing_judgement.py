"""The verdicts on limits, listings, pages and times: pure functions of what a probe saw."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from statistics import median

from patchlake.core.agreed_time import AGREEMENT
from patchlake.core.counts import counted
from patchlake.core.timings import LONGEST_PAGE_SECONDS
from patchlake_cli.probe.answers import Ending, NoAnswer, Node
from patchlake_cli.probe.findings import Judged, confirmed, not_observable, refuted
from patchlake_cli.probe.observations import Observations
from patchlake_cli.probe.questions import LIST_NODES

_NOT_RUNNING = {"stopping", "stopped", "shutting-down", "terminated"}
_END_OF_TIME = 253_402_300_800
"""The year 10000, in seconds."""
_JUST_NOW = timedelta(hours=1).total_seconds()
_NO_NODES = "the region has no managed node"


def judge_limit(name: str, *, only_of_rows: bool = False) -> Callable[[Observations], Judged]:
    """Return the judge of a limit: its size is answered with as many rows at most, and a larger one is refused.

    Args:
        name: the name of the assumption.
        only_of_rows: whether a larger size may be accepted, if as many rows at most come.
    """

    def judge(seen: Observations) -> Judged:
        limit = seen.limits[name]
        match limit.at_allowed, limit.at_beyond:
            case NoAnswer(refuses_value=True) as refusal, _:
                return refuted(f"{limit.allowed} is refused: {refusal.reason}")
            case NoAnswer() as unknown, _:
                return not_observable(unknown.reason)
            case int(rows), _ if rows > limit.allowed:
                return refuted(f"{rows} rows were returned, above the limit of {limit.allowed}")
            case int(rows), NoAnswer(refuses_value=True):
                return confirmed(f"{limit.allowed} is accepted, with at most {rows} rows; {limit.beyond} is refused")
            case _, NoAnswer() as unknown:
                return not_observable(unknown.reason)
            case _, rows:
                verdict = not_observable if only_of_rows and rows <= limit.allowed else refuted
                return verdict(f"{limit.beyond} is accepted, and {rows} rows were returned")

    return judge


def judge_node_list(seen: Observations) -> Judged:
    """Judge whether DescribeInstanceInformation lists every node that another operation lists, and EC2 runs."""
    for chain in (seen.nodes, seen.properties, seen.instances):
        if chain.obstacle is not None:
            return not_observable(chain.obstacle)
    nodes, properties = _ids(seen.nodes.rows), _ids(seen.properties.rows)
    if not nodes | properties:
        return not_observable(_NO_NODES)
    latest = _latest_ping(seen.properties.rows)
    running = {
        instance.instance_id
        for instance in seen.instances.rows
        if instance.state == "running"
        # The agent of another one may have come between the two listings.
        and (latest is None or instance.launch_time is None or instance.launch_time < latest - _JUST_NOW)
    }
    missing = properties - nodes
    live = {one for one in missing if one.startswith("mi-") or one in running}
    text = (
        f"{len(nodes & properties)} nodes by both operations, {len(missing)} by DescribeInstanceProperties only, "
        f"{len(nodes - properties)} by DescribeInstanceInformation only"
    )
    if live:
        return refuted(f"{text}; of those that it lacks, {len(live)} run or are hybrid nodes")
    return confirmed(text)


def judge_stopped_nodes(seen: Observations) -> Judged:
    """Judge whether a stopped or terminated instance is listed as a node: its last ping is long ago."""
    for chain in (seen.nodes, seen.instances):
        if chain.obstacle is not None:
            return not_observable(chain.obstacle)
    stopped = {one.instance_id for one in seen.instances.rows if one.state in _NOT_RUNNING}
    if not stopped:
        return not_observable("EC2 lists no stopped instance")
    pings = {node.instance_id: _seconds(node.last_ping_date_time) for node in seen.nodes.rows}
    latest = _latest_ping(seen.nodes.rows)
    listed = [pings[one] for one in stopped if one in pings]
    old = [ping for ping in listed if ping is None or latest is None or ping < latest - _JUST_NOW]
    text = f"{len(stopped)} instances are stopped or terminated; {len(listed)} of them are listed as nodes"
    if old:
        return refuted(f"{text}, {len(old)} without a ping in the last hour")
    return confirmed(text)


def judge_service_managed(seen: Observations) -> Judged:
    """Judge whether IncludeManagedResources adds the instances of AWS services, and only these are left out."""
    for chain in (seen.instances, seen.own_instances):
        if chain.obstacle is not None:
            return not_observable(chain.obstacle)
    managed = {one.instance_id for one in seen.instances.rows if one.is_managed}
    own = {one.instance_id for one in seen.own_instances.rows}
    if not managed:
        return not_observable("no AWS service operates an instance here")
    if managed & own:
        return refuted(f"{len(managed & own)} of {len(managed)} such instances are listed without it, too")
    return confirmed(f"{len(managed)} such instances are listed with it, and none without it")


def judge_tag_wildcards(seen: Observations) -> Judged:
    """Judge whether ``*`` in a filter of DescribeTags is a wildcard."""
    others = sum(tag.key != "*" for tag in seen.starred_tags.rows)
    if others:
        return confirmed(f"the filter * returned {others} tags with other keys")
    if seen.starred_tags.obstacle is not None:
        return not_observable(seen.starred_tags.obstacle)
    if any(tag.key != "*" for tag in seen.tags.rows):
        return refuted("the filter * returned no other tag, although instances have tags")
    return not_observable(seen.tags.obstacle or "no instance with a tag was seen")


def judge_last_page(seen: Observations) -> Judged:
    """Judge how a chain of SSM's pages ends."""
    chains = [seen.nodes, seen.properties, seen.states, seen.unfiltered]
    for node in seen.patches:
        chains += [node.together, *node.each.values()]
    endings = Counter(chain.ending for chain in chains if chain.ending is not None)
    if not endings:
        return not_observable("no last page was read")
    text = ", ".join(f"{number} with {ending}" for ending, number in sorted(endings.items()))
    return refuted(text) if Ending.NULL in endings else confirmed(text)


def judge_unknown_node(seen: Observations) -> Judged:
    """Judge whether a node that SSM does not know is left out silently, and no other is answered."""
    about = seen.unknown_node
    match about.answered:
        case NoAnswer(code="InvalidInstanceId") | NoAnswer(refuses_value=True) as refusal:
            return refuted(refusal.reason)
        case NoAnswer() as unknown:
            return not_observable(unknown.reason)
        case answered:
            if about.unknown in answered or answered - about.asked:
                return refuted("the answer has a state of a node that does not exist, or that was not asked about")
            known = {state.instance_id for state in seen.states.rows} & about.asked
            if lost := known - answered:
                return refuted(
                    f"the answer lacks {len(lost)} of {len(known)} nodes that have a state without the other"
                )
            if not answered:
                return not_observable("no node has a patch state that the answer could lack")
            return confirmed(
                f"the answer has {len(answered)} of {len(about.asked)} nodes, without the one that does not exist"
            )


def judge_page_seconds(seen: Observations) -> Judged:
    """Judge the time of a page of nodes."""
    seconds = [call.seconds for call in seen.asked if call.is_answer and call.operation == LIST_NODES.permission]
    if not seconds:
        return not_observable(seen.nodes.obstacle or "no page was received")
    is_fast = median(seconds) <= LONGEST_PAGE_SECONDS
    if len(seconds) == 1 and not is_fast:
        return not_observable(f"the only page took {seconds[0]:.3f} s, with the time to connect")
    text = f"{median(seconds):.3f} s, the median of {counted(len(seconds), 'page')}"
    return confirmed(text) if is_fast else refuted(text)


def judge_throttling(service: str, code: str) -> Callable[[Observations], Judged]:
    """Return the judge of the code of a throttled call to a service."""

    def judge(seen: Observations) -> Judged:
        throttles = [throttle for throttle in seen.throttles if throttle.service == service]
        for throttle in throttles:
            text = f"{throttle.operation} is throttled with {throttle.code}, {throttle.quota_code or 'no quota code'}"
            return confirmed(text) if throttle.code == code else refuted(text)
        return not_observable("no call was throttled, and the probe never provokes that")

    return judge


def judge_date_header(seen: Observations) -> Judged:
    """Judge whether the services agree on the time, and, where the signature proves it, with the local clock."""
    ahead = [call.ahead_seconds for call in seen.asked if call.ahead_seconds is not None]
    if len(ahead) <= 1:
        return not_observable("fewer than two answers have a time")
    spread, agreement = max(ahead) - min(ahead), AGREEMENT.total_seconds()
    text = f"{len(ahead)} answers differ by {spread:.0f} s from each other"
    if seen.proves_clock:
        text += f", and by up to {max(map(abs, ahead)):.0f} s from the local clock"
    is_far = seen.proves_clock and max(map(abs, ahead)) > agreement
    return refuted(text) if is_far or spread > agreement else confirmed(text)


def _ids(nodes: tuple[Node, ...]) -> set[str]:
    return {node.instance_id for node in nodes}


def _latest_ping(nodes: tuple[Node, ...]) -> float | None:
    pings = (_seconds(node.last_ping_date_time) for node in nodes)
    return max((ping for ping in pings if ping is not None), default=None)


def _seconds(value: float | None) -> float | None:
    """Return a time of the calendar."""
    return value if value is not None and abs(value) < _END_OF_TIME else None
