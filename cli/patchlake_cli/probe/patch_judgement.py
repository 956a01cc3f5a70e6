"""The verdicts on patch states and patches: pure functions of what a probe saw."""

from collections import Counter
from collections.abc import Iterator

from patchlake.sources.patches import STATES
from patchlake_cli.probe.answers import Chain, NoAnswer, Patch
from patchlake_cli.probe.counts import OPEN_STATES, SEVERITY_COUNTS, as_count, count_of
from patchlake_cli.probe.findings import Judged, confirmed, not_observable, refuted
from patchlake_cli.probe.observations import NodePatches, Observations

_SPELLINGS = {*STATES, "Installed", "InstalledOther", "NotApplicable"}
_KNOWN = {spelling.casefold(): spelling for spelling in _SPELLINGS}
_NOT_INSTALLED = {"Missing", "Failed", "NotApplicable", "AvailableSecurityUpdate"}
_WITH_CVES = {"Missing", "Failed"}
_YEAR_ONE = -62_135_596_800
_EARLIEST = 631_152_000
"""The year 1990, in seconds since 1970: no node was patched before."""


def judge_patch_filter(seen: Observations) -> Judged:
    """Judge whether one filter with several states has the same rows as a filter for each of them."""
    for node in seen.patches:
        if (stopped := node.together.stopped) is not None and stopped.code.startswith("InvalidFilter"):
            return refuted(stopped.reason)
    compared = most = 0
    for node in _comparable(seen):
        singly = Counter(map(_key, (row for chain in node.each.values() for row in chain.rows)))
        together = Counter(map(_key, node.together.rows))
        if any(row.state != state for state, chain in node.each.items() for row in chain.rows):
            return refuted("a filter by one state has rows in another state")
        if singly != together:
            return refuted(f"{together.total()} rows by one filter, {singly.total()} by a filter for each state")
        compared, most = compared + 1, max(most, len({row.state for row in node.together.rows}))
    if most > 1:
        return confirmed(f"the same rows for each of {compared} nodes, in up to {most} states")
    return not_observable(_why_not_compared(seen) if not compared else "no node has patches in two of the states")


def judge_patch_counts(seen: Observations) -> Judged:
    """Judge whether a node has as many patches in a state as its patch state counts."""
    pairs = [
        (number, len(node.each[state].rows))
        for node in _comparable(seen)
        for state in OPEN_STATES
        if (number := count_of(node.state, state)) is not None
    ]
    if not any(number for number, _ in pairs):
        return not_observable("the counts of the nodes are all 0" if pairs else _why_not_compared(seen))
    wrong = sum(number != rows for number, rows in pairs)
    text = f"{len(pairs) - wrong} of {len(pairs)} counts equal the rows"
    return refuted(text) if wrong else confirmed(text)


def judge_severity_counts(seen: Observations) -> Judged:
    """Judge whether the severity counts leave out the available security updates.

    They count patches in the open states, and one patch at most once each: a larger count has others, too.
    """
    showing = larger = 0
    for state in seen.states.rows:
        numbers = [count_of(state, each) for each in OPEN_STATES]
        severities = [as_count(getattr(state, name)) for name in SEVERITY_COUNTS]
        if not count_of(state, "AvailableSecurityUpdate") or None in numbers or None in severities:
            continue
        unmet = sum(number for number in numbers if number is not None)
        highest = max(number for number in severities if number is not None)
        showing += unmet == 0 or highest > unmet
        larger += highest > unmet
    text = f"{showing} nodes show it; on {larger} of them, a severity count is larger than the four counts together"
    if larger:
        return refuted(text)
    nothing = "no node has available security updates and nothing else"
    return confirmed(text) if showing else not_observable(seen.states.obstacle or nothing)


def judge_spelling(seen: Observations) -> Judged:
    """Judge the spelling of State."""
    states = {row.state for row in _all_rows(seen)}
    if not states:
        return not_observable(_why_no_rows(seen))
    known, other = sorted(states & _SPELLINGS), states - _SPELLINGS
    if other:
        # Only a word that we know is shown.
        respelt = sorted({_KNOWN[word] for state in other if (word := state.replace("_", "").casefold()) in _KNOWN})
        return refuted(f"{len(other)} other spellings, including those of: {', '.join(respelt) or 'no known state'}")
    return confirmed(", ".join(known))


def judge_installed_time(seen: Observations) -> Judged:
    """Judge InstalledTime of the patches that are not installed."""
    rows = [row for row in _all_rows(seen) if row.state in _NOT_INSTALLED]
    if not rows:
        return not_observable(_why_no_rows(seen) if not _all_rows(seen) else "every returned patch is installed")
    wrong = sum(row.installed_time != 0 for row in rows)
    text = f"{len(rows) - wrong} of {len(rows)} patches that are not installed have 0"
    return refuted(text) if wrong else confirmed(text)


def judge_year_one(seen: Observations) -> Judged:
    """Judge the value that stands for an absent time."""
    times: list[float | None] = [row.installed_time for row in _all_rows(seen) if row.state not in _NOT_INSTALLED]
    for state in seen.states.rows:
        times += [
            state.operation_start_time,
            state.operation_end_time,
            state.last_no_reboot_install_operation_time,
        ]
    early = [each for each in times if each is not None and each < _EARLIEST]
    year_one = sum(each == _YEAR_ONE for each in early)
    unset = sum(each == 0 for each in early)
    other = len(early) - year_one - unset
    text = f"of {len(times)} times, {year_one} are in the year 1, {unset} are 0, {other} are others before 1990"
    if other:
        return refuted(text)
    return confirmed(text) if year_one else not_observable(text)


def judge_cves(seen: Observations) -> Judged:
    """Judge the states of the patches that name CVEs."""
    named = [row for row in _all_rows(seen) if row.cve_ids]
    elsewhere = sum(row.state not in _WITH_CVES for row in named)
    if elsewhere:
        return refuted(f"{elsewhere} of {len(named)} patches with CVEs are neither Missing nor Failed")
    if not named:
        return not_observable(_why_no_rows(seen) if not _all_rows(seen) else "no returned patch names a CVE")
    return confirmed(f"{len(named)} patches name CVEs, all of them Missing or Failed")


def _chains(seen: Observations) -> Iterator[Chain[Patch]]:
    yield seen.unfiltered
    for node in seen.patches:
        yield node.together
        yield from node.each.values()


def _all_rows(seen: Observations) -> list[Patch]:
    return [row for chain in _chains(seen) for row in chain.rows]


def _comparable(seen: Observations) -> Iterator[NodePatches]:
    """Yield the nodes whose patches were all read, with no scan meanwhile."""
    for node in seen.patches:
        if node.is_steady and all(chain.obstacle is None for chain in (node.together, *node.each.values())):
            yield node


def _why_not_compared(seen: Observations) -> str:
    for node in seen.patches:
        for chain in (node.together, *node.each.values()):
            if chain.obstacle is not None:
                return chain.obstacle
    return "the nodes were scanned meanwhile" if seen.patches else _why_no_rows(seen)


def _why_no_rows(seen: Observations) -> str:
    for chain in _chains(seen):
        if isinstance(chain.stopped, NoAnswer):
            return chain.stopped.reason
    return seen.states.obstacle or "no node has such patches"


def _key(row: Patch) -> tuple[str, str, str]:
    return str(row.kb_id), str(row.title), row.state
