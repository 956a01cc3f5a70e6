"""The retention of the lake, and of the shards and parts, by the lifecycle rules of their bucket."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from patchlake.core.keys import LAKE, PLANS
from patchlake.sources.registry import SOURCES
from patchlake_cli.operations.findings import Finding

_RUNS = "runs/"
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


class _Expiration(TypedDict):
    Date: NotRequired[datetime]
    Days: NotRequired[Annotated[int, Meta(ge=0)]]


class Rule(TypedDict):
    """A lifecycle rule as S3 answers it, as far as it is read here."""

    Status: str
    Prefix: NotRequired[str]
    Filter: NotRequired[_Filter]
    Expiration: NotRequired[_Expiration]


class Rules(TypedDict):
    """The lifecycle rules of a bucket."""

    Rules: list[Rule]


def ill_kept(rules: Sequence[Rule], window_days: int) -> Iterator[Finding]:
    """Find objects that a bucket's lifecycle rules delete too early, or never."""
    tables = sorted(f"{LAKE}{table.name}/" for table in SOURCES.tables)
    for prefix in (_RUNS, *tables, PLANS):
        for rule in _rules_about(rules, prefix):
            if (at := rule["Expiration"].get("Date")) is not None:
                yield Finding(
                    f"{_common(rule, prefix)} expires on {at:%Y-%m-%d}: from then on, S3 deletes every object, however "
                    "new it is",
                    f"change the rule on {_common(rule, prefix)} to one with days, or remove it",
                )
    yield from _ill_kept_runs(rules)
    for prefix in (*tables, PLANS):
        earliest = _earliest(rules, prefix)
        if earliest is not None and (days := earliest["Expiration"]["Days"]) < window_days:
            yield Finding(
                f"{_common(earliest, prefix)} expires after {days} days, but the views look back {window_days} days",
                f"change the rule on {_common(earliest, prefix)} to keep it longer, or lower WindowDays",
            )


def _ill_kept_runs(rules: Sequence[Rule]) -> Iterator[Finding]:
    if not any(_covers(rule, _RUNS) for rule in _rules_about(rules, _RUNS)):
        yield Finding(
            f"shards and parts never expire: no lifecycle rule covers {_RUNS}",
            "restore the template's rule expire-runs",
        )
    earliest = _earliest(rules, _RUNS)
    if earliest is not None and (days := earliest["Expiration"]["Days"]) < SHORTEST_RUNS_DAYS:
        yield Finding(
            f"shards and parts expire after {days} days, before a dead letter does",
            f"change the rule on {_common(earliest, _RUNS)} to keep them for at least {SHORTEST_RUNS_DAYS} days",
        )


def _earliest(rules: Sequence[Rule], prefix: str) -> Rule | None:
    """Return the rule by whose days an object under a prefix expires first; None if they never do."""
    with_days = (rule for rule in _rules_about(rules, prefix) if "Days" in rule["Expiration"])
    return min(with_days, key=lambda rule: rule["Expiration"]["Days"], default=None)


def _rules_about(rules: Sequence[Rule], prefix: str) -> Iterator[Rule]:
    """Yield the rules by which objects under a prefix may expire; no object of patchlake has a tag."""
    for rule in rules:
        own = _prefix_of(rule)
        is_about = own.startswith(prefix) or prefix.startswith(own)
        has_tags = not _selection(rule).keys().isdisjoint({"Tag", "Tags"})
        if rule["Status"] == "Enabled" and "Expiration" in rule and is_about and not has_tags:
            yield rule


def _covers(rule: Rule, prefix: str) -> bool:
    """Whether every object under a prefix expires by a rule about it."""
    is_of_all_sizes = _selection(rule).keys() <= {"Prefix"}
    has_end = not rule["Expiration"].keys().isdisjoint({"Days", "Date"})
    return prefix.startswith(_prefix_of(rule)) and is_of_all_sizes and has_end


def _common(rule: Rule, prefix: str) -> str:
    """Return the prefix of the objects that are under a prefix and that a rule is about."""
    return max(prefix, _prefix_of(rule), key=len)


def _prefix_of(rule: Rule) -> str:
    return _selection(rule).get("Prefix", rule.get("Prefix", ""))


def _selection(rule: Rule) -> _Selection:
    of_filter = rule.get("Filter", {})
    return of_filter.get("And", of_filter)
