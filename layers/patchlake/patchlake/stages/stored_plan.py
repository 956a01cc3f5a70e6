"""The state of a run, as every worker asks for it first: is it published, and what is its plan?"""

from patchlake.core.keys import plan_key, snapshot_key
from patchlake.core.plan import Plan, decode_plan
from patchlake.errors import InputError
from patchlake.ports import Store


def is_published(store: Store, run_id: str) -> bool:
    """Whether the run's snapshot exists: then nothing about the run can change any more."""
    return store.exists(snapshot_key(run_id))


def stored_plan(store: Store, run_id: str) -> Plan:
    """Return the plan that a message's run must have.

    Raises:
        InputError: there is none, so the message cannot be ours.
    """
    body = store.get(plan_key(run_id))
    if body is None:
        msg = f"run {run_id}: there is no {plan_key(run_id)}, so the message is refused"
        raise InputError(msg)
    return decode_plan(body, run_id)
