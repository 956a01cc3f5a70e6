"""The retention of the lake, and of the shards and parts, by the lifecycle rules of their bucket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

from patchlake.core.counts import counted
from patchlake.core.keys import LAKE, PLANS, RUNS
from patchlake.sources.registry import SOURCES
from patchlake_cli.operations.calls import Time
from patchlake_cli.operations.findings import Finding

SHORTEST_RUNS_DAYS = 15
"""Shards and parts must outlive a dead letter (14 days), so that a run can still be published from them."""


class _Selection(TypedDict, total=False):
    Prefix: str
    Tag: dict[str, str]
    Tags: list[dict[str, str]]
    ObjectSizeGreaterThan: int
    ObjectSizeLessThan: int


class _Filter(_Selection):
    And: NotRequired[_Selection]


class _Moment(TypedDict):
    Date: NotRequired[Time]
    Days: NotRequired[Annotated[int, Meta(ge=0)]]


class _Transition(_Moment):
    StorageClass: Literal["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]


class Rule(TypedDict):
    """A lifecycle rule as S3 answers it, as far as it is read here."""

    Status: Literal["Enabled", "Disabled"]
    Prefix: NotRequired[str]
    Filter: NotRequired[_Filter]
    Expiration: NotRequired[_Moment]
    Transitions: NotRequired[list[_Transition]]


class Rules(TypedDict):
    """The lifecycle rules of a bucket."""

    Rules: list[Rule]


_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""The storage classes whose objects cannot be read: S3 refuses to, and Athena leaves them out without a word."""


@dataclass(frozen=True, slots=True)
class _End:
    """An action of a rule after which objects cannot be read.

    Attributes:
        prefix: of the objects.
        verb: of what they do.
        target: where they go, if anywhere.
        act: what S3 does with them.
        moment: when.
    """

    prefix: str
    verb: str
    target: str
    act: str
    moment: _Moment


@dataclass(frozen=True, slots=True)
class _Need:
    """The days for which objects must be readable, the reason in words, and the parameter of the stack."""

    days: int
    text: str
    parameter: str


def ill_kept(rules: Sequence[Rule], *, window_days: int, history_days: int) -> Iterator[Finding]:
    """Find objects that a bucket's lifecycle rules delete or archive too early, or never delete.

    What expires after the window only makes the history shorter; what moves to an archive makes a query fail.

    Args:
        rules: of the bucket.
        window_days: the days that the views look back.
        history_days: the days that queries read.
    """
    tables = sorted(f"{LAKE}{table.name}/" for table in SOURCES.tables)
    for prefix in (RUNS, *tables, PLANS):
        for end in _ends(rules, prefix):
            if (at := end.moment.get("Date")) is not None:
                yield Finding(
                    f"{end.prefix} {end.verb}s{end.target} on {at:%Y-%m-%d}: from then on, S3 {end.act} every object, "
                    "however new it is",
                    f"change the rule on {end.prefix} to one with days, or remove it",
                )
    yield from _ill_kept_runs(rules)
    window = _Need(window_days, f"the views look back {counted(window_days, 'day')}", "WindowDays")
    history = _Need(history_days, f"queries read the last {counted(history_days, 'day')}", "HistoryDays")
    for prefix in (*tables, PLANS):
        needs = {"expire": window, "move": window if prefix == PLANS else history}
        early = [end for end in _ends_by_days(rules, prefix) if _days(end) < needs[end.verb].days]
        for end in sorted(early, key=_days)[:1]:
            need = needs[end.verb]
            yield Finding(
                f"{end.prefix} {end.verb}s{end.target} after {counted(_days(end), 'day')}, but {need.text}",
                f"change the rule on {end.prefix} to keep it longer, or lower {need.parameter}",
            )


def _ill_kept_runs(rules: Sequence[Rule]) -> Iterator[Finding]:
    if not any(_covers(rule, RUNS) for rule in _rules_about(rules, RUNS)):
        yield Finding(
            f"shards and parts never expire: no lifecycle rule covers {RUNS}",
            "restore the template's rule expire-runs",
        )
    earliest = min(_ends_by_days(rules, RUNS), key=_days, default=None)
    if earliest is not None and (days := _days(earliest)) < SHORTEST_RUNS_DAYS:
        after = f"after {counted(days, 'day')}"
        yield Finding(
            f"shards and parts {earliest.verb}{earliest.target} {after}, before a dead letter does",
            f"change the rule on {earliest.prefix} to keep them for at least {SHORTEST_RUNS_DAYS} days",
        )


def _ends_by_days(rules: Sequence[Rule], prefix: str) -> Iterator[_End]:
    """Yield how objects under a prefix may end after a number of days."""
    return (end for end in _ends(rules, prefix) if "Days" in end.moment)


def _days(end: _End) -> int:
    return end.moment["Days"]


def _ends(rules: Sequence[Rule], prefix: str) -> Iterator[_End]:
    """Yield how objects under a prefix may end."""
    for rule in _rules_about(rules, prefix):
        common = max(prefix, _prefix_of(rule), key=len)
        if "Expiration" in rule:
            yield _End(common, "expire", "", "deletes", rule["Expiration"])
        for transition in rule.get("Transitions", ()):
            if (archive := transition["StorageClass"]) in _ARCHIVES:
                yield _End(common, "move", f" to {archive} (unreadable)", "moves", transition)


def _rules_about(rules: Sequence[Rule], prefix: str) -> Iterator[Rule]:
    """Yield the rules about objects under a prefix; no object of patchlake has a tag."""
    for rule in rules:
        own = _prefix_of(rule)
        is_about = own.startswith(prefix) or prefix.startswith(own)
        has_tags = not _selection(rule).keys().isdisjoint({"Tag", "Tags"})
        if rule["Status"] == "Enabled" and is_about and not has_tags:
            yield rule


def _covers(rule: Rule, prefix: str) -> bool:
    """Whether every object under a prefix expires by a rule about it."""
    is_of_all_sizes = _selection(rule).keys() <= {"Prefix"}
    has_end = not rule.get("Expiration", {}).keys().isdisjoint({"Days", "Date"})
    return prefix.startswith(_prefix_of(rule)) and is_of_all_sizes and has_end


def _prefix_of(rule: Rule) -> str:
    return _selection(rule).get("Prefix", rule.get("Prefix", ""))


def _selection(rule: Rule) -> _Selection:
    of_filter = rule.get("Filter", {})
    return of_filter.get("And", of_filter)
