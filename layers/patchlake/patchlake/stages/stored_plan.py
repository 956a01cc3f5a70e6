"""The state of a run that every worker reads first: its plan, and whether it is published."""

from patchlake.core.keys import plan_key, snapshot_key
from patchlake.core.plan import Plan, decode_plan
from patchlake.ports import Store
from patchlake.stages.stored_objects import required


def is_published(store: Store, run_id: str) -> bool:
    """Whether the run's snapshot exists: then nothing about the run can change."""
    return store.exists(snapshot_key(run_id))


def stored_plan(store: Store, run_id: str) -> Plan:
    """Return the plan that a message's run must have.

    Raises:
        InputError: there is no plan: the store lost it, or patchlake did not send the message.
    """
    return decode_plan(required(store, run_id, plan_key(run_id)), run_id)
