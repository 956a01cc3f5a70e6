"""Scorecards without SQL: what each account, patch group and value of a tag owes, from the breaches and the clocks."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from patchlake.core.run import run_date
from tests.analytics.clock_recomputation import Node, Row, Tables, cohort, groups_of
from tests.analytics.policy_recomputation import Policy, deadlines, read_tags

type Card = tuple[str, str | None, str | None, str | None, str | None, str | None]
"""A scope, its account, patch group and tag key, and the status and value of the tag."""


def scorecards(
    clocks: Sequence[Row], breaches: Sequence[Row], tables: Tables, newest: str
) -> dict[Card, dict[str, int | None]]:
    """Return the figures about lines of each scorecard that has any; the newest run read patches.

    Args:
        clocks: the rows of the clocks.
        breaches: those of the breaches.
        tables: the tables of the lake.
        newest: the id of the newest run.
    """
    cards_of = _cards(tables, newest)
    lines: dict[Card, list[Row]] = defaultdict(list)
    owed: dict[Card, list[Row]] = defaultdict(list)
    for row in clocks:
        if row["clock"] == "LINE":
            for card in cards_of(_node(row)):
                lines[card].append(row)
    for row in breaches:
        for card in cards_of(_node(row)):
            owed[card].append(row)
    return {card: _figures(lines[card], owed[card]) for card in {*lines, *owed}}


def overdue_days(
    clocks: Sequence[Row], tables: Tables, policy: Policy, newest: str
) -> dict[tuple[str, str | None], int]:
    """Return the overdue lines by date, of the fleet (None) and of each account."""
    tags, found = read_tags(tables, newest), defaultdict[tuple[str, str | None], int](int)
    days = {run_date(row["run_id"]) for row in tables["coverage"]}
    for line in clocks:
        if line["clock"] != "LINE":
            continue
        longest = max(deadlines(policy, tags, _node(line), line["severity_rank"]))
        last = date.fromisoformat(run_date(newest)) if line["is_confirmed"] else line["last_open_at"].date()
        day = line["opened_at"].date() + timedelta(days=longest + 1)
        for overdue in (each for each in days if day.isoformat() <= each <= last.isoformat()):
            found[overdue, None] += 1
            found[overdue, line["account_id"]] += 1
    return dict(found)


def _figures(lines: Sequence[Row], owed: Sequence[Row]) -> dict[str, int | None]:
    states = ["EXCEPTED" if row["breach_status"] == "EXCEPTED" else row["overdue_status"] for row in owed]
    overdue = [row for row, state in zip(owed, states, strict=True) if state == "OVERDUE"]
    figures = cohort(lines) if lines else {"lines": 0, "lines_remediated": 0, "median_days": None}
    return {
        "lines_overdue": len(overdue),
        "lines_possibly_overdue": states.count("POSSIBLY_OVERDUE"),
        "lines_excepted": states.count("EXCEPTED"),
        "lines_exception_expired": sum(row["breach_status"] == "EXCEPTION_EXPIRED" for row in owed),
        "nodes_overdue": len({_node(row) for row in overdue}),
        "lines_begun": figures["lines"],
        "lines_remediated": figures["lines_remediated"],
        "median_days": figures["median_days"],
    }


def _cards(tables: Tables, newest: str) -> Any:  # noqa: ANN401  # from a node to its cards
    tags, groups = read_tags(tables, newest), groups_of(tables)
    keys = sorted({key for *_, key in tags.values})
    known = _latest_known(tables)

    def cards(node: Node) -> Iterator[Card]:
        yield "FLEET", None, None, None, None, None
        yield "ACCOUNT", node[0], None, None, None, None
        yield "PATCH_GROUP", None, groups[node], None, None, None
        for key in keys:
            value = tags.values.get((*node, key))
            is_absent = (*node, key) not in tags.values and node[:2] in tags.whole and node in known
            status = "READ" if value is not None and node in known else "NO_TAG" if is_absent else "NOT_READ"
            yield "TAG", None, None, key, status, value if status == "READ" else None

    return cards


def _latest_known(tables: Tables) -> set[Node]:
    """Return the nodes of the last run that listed each target."""
    states: Mapping[str, list[Row]] = defaultdict(list)
    for row in tables["patch_states"]:
        states[row["run_id"]].append(row)
    last_read: dict[tuple[str, str], str] = {}
    for row in sorted(tables["coverage"], key=lambda row: row["run_id"]):
        if row["listing_status"] == "LISTED":
            last_read[row["account_id"], row["region"]] = row["run_id"]
    return {_node(row) for target, run_id in last_read.items() for row in states[run_id] if _node(row)[:2] == target}


def _node(row: Row) -> Node:
    return row["account_id"], row["region"], row["instance_id"]
