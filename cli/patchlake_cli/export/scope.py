"""The scope of an export, compared with the newest run of its lake: the targets that would be missing."""

from patchlake.core.keys import SNAPSHOTS, run_ids
from patchlake.core.plan import Plan
from patchlake.errors import IntegrityError
from patchlake.ports import Store
from patchlake_cli.lake.run_reader import Runs
from patchlake_cli.lake.runs import left_out, named


def scope_warning(plan: Plan, store: Store, runs: Runs) -> str | None:
    """Return a warning if the newest other run of the lake covered targets that this plan does not.

    Raises:
        PermanentError: the lake refuses access.
    """
    newest = max(run_ids(store.keys(SNAPSHOTS)) - {plan.run_id}, default=None)
    if newest is None:
        return None
    try:
        covered = runs.run(newest).coverage
    except IntegrityError as error:
        return f"Warning: this run cannot be compared with the newest run of the lake: {error}"
    planned = {planned.target for planned in plan.targets}
    missing = [(target.account_id, target.region) for target in left_out(covered, planned)]
    if not missing:
        return None
    return (
        f"Warning: run {newest} of this lake covers {named(missing)}, and this run does not. The figures of this run "
        "lack their nodes; only the lower bounds count them. Use the same accounts and regions, or another lake."
    )
