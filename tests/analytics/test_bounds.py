"""The rule of every lower bound: making anything unreadable never raises one, in any row of any view.

A new view or named query with a column whose name ends in ``lower_bound`` joins by itself. Its text columns are its
key: they identify a row before and after. A new text column that only describes a row goes into LABELS.
"""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings

from patchlake.core.run import run_at
from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake_cli.lake.statements import queries, views
from tests.analytics.histories import (
    KEYS,
    NODES,
    PATCHES,
    PLATFORMS,
    RUNNING,
    RUNS,
    TARGETS,
    VALUES,
    Blinding,
    History,
    InstanceLife,
    NodeLife,
    histories,
    nothing,
)
from tests.analytics.materialized import MaterializedViews

NOW = run_at("20261111T120000Z")

LABELS = {
    "account_name",
    "fleet_unknown_reason",
    "listing_status",
    "patches_status",
    "run_coverage",
    "run_status",
    "severity",
}
"""Text columns that describe a row and may change when something becomes unreadable."""


def is_bound(name: str) -> bool:
    """Whether a column is a lower bound; is_lower_bound says whether another one is."""
    return name.endswith("lower_bound") and name != "is_lower_bound"


BOUNDED = [
    statement
    for statement in (*views(), *queries())
    if any(map(is_bound, statement.tree.named_selects)) and not statement.parameters
]
VIEWS = MaterializedViews(BOUNDED, NOW)


def bounds(history: History, blinding: Blinding) -> dict[tuple[Any, ...], float | None]:
    """Return every lower bound of every statement, by the statement, the column and the row."""
    found = {}
    for statement, rows in VIEWS.answers(history.tables(blinding)).items():
        for row in rows:
            key = tuple((name, value) for name, value in row.items() if isinstance(value, str) and name not in LABELS)
            for name in row:
                if is_bound(name):
                    assert (statement, name, key) not in found, "two rows have the same texts: make the key a text"
                    found[statement, name, key] = row[name]
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_no_lower_bound_rises_when_something_becomes_unreadable(history: History) -> None:
    before, after = bounds(history, history.before), bounds(history, history.after)

    # No bound at all promises as little as 0.
    risen = {key: (before.get(key), value) for key, value in after.items() if (value or 0) > (before.get(key) or 0)}
    assert risen == {}


def test_the_rule_compares_rows_of_every_statement_with_a_bound() -> None:
    clear, newest = nothing(), len(RUNS) - 1
    after = replace(
        clear,
        targets={**clear.targets, (newest, 1): ListingStatus.ACCESS_DENIED},
        nodes={**clear.nodes, (newest, 0): CollectionStatus.NOT_COLLECTED},
        patches={**clear.patches, (newest, 3): CollectionStatus.NOT_COLLECTED},
    )
    lives = tuple(
        NodeLife(
            target=node % len(TARGETS),
            arrives=0,
            leaves=len(RUNS),
            states=("compliant" if node % 2 == 0 else "lacking",) * len(RUNS),
            groups=("web",) * len(RUNS),
            platforms=(PLATFORMS[0],) * len(RUNS),
            patches=({PATCHES[0]: "Missing"} if node % 2 else {},) * len(RUNS),
            instance=InstanceLife(0, len(RUNS), (RUNNING,) * len(RUNS), ({KEYS[0]: VALUES[0]},) * len(RUNS)),
        )
        for node in range(NODES)
    )
    history = History(lives, clear, after)

    before, then = bounds(history, clear), bounds(history, after)

    fallen = {key[0] for key, value in then.items() if (value or 0) < (before.get(key) or 0)}
    missing = {statement.name for statement in BOUNDED} - fallen
    assert missing == set(), "no row has one key in both: put the text columns that only describe a row into LABELS"
