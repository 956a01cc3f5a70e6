"""The two root operations as calls of a target's API, and a plan to open one with."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from patchlake.core.plan import Account, Plan, make_plan
from patchlake.core.records import Page
from patchlake.ports import TargetApi
from patchlake.sources.registry import SOURCES


def plan_of(home_account_id: str) -> Plan:
    """Return the plan of a run whose home is this account."""
    return make_plan(
        "20261101T060000Z",
        planned_at=datetime(2026, 11, 1, 6, 1, tzinfo=UTC),
        deadline_seconds=14_400,
        batch_size=2000,
        include_sensitive_fields=False,
        home_account_id=home_account_id,
        accounts=[Account(home_account_id)],
        regions=["eu-central-1"],
    )


def node_page(api: TargetApi, token: str | None) -> Page[Any]:
    """Ask for one page of the nodes."""
    return api.page(SOURCES.nodes.operation, (), token)


def patch_state_page(api: TargetApi, ids: Sequence[str], token: str | None) -> Page[Any]:
    """Ask for one page of the patch states of these nodes."""
    return api.page(SOURCES.patch_states.operation, ids, token)
