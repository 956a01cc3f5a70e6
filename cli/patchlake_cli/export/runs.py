"""Which run an export works on: the newest unfinished one with equal settings, or a new one.

Equal settings are what a plan holds: the home account, accounts and regions, batch size, length of the deadline, and
which fields are kept. How a target is reached (role, external id, profile, connections) is in no plan and may change
from one attempt to the next: that is how a run goes on whose role was misspelt.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from patchlake.core.keys import PLANS, SNAPSHOTS, plan_key
from patchlake.core.plan import Plan, decode_plan
from patchlake.core.run import RUN_ID_PATTERN, run_at, run_id_of
from patchlake.errors import IntegrityError
from patchlake.ports import Clock, Store
from patchlake.stages.plan import PlanStage
from patchlake.stages.step import Step
from patchlake.stages.stored_plan import stored_plan
from patchlake_cli.failure import CommandError

_ANY_AGE_SECONDS = 10**9
"""A plan that is stored may be followed however old it is; only a new one must be of today."""


def current_run_id(clock: Clock) -> str:
    """Name the run of the current minute, by AWS's time."""
    return run_id_of(clock.now().replace(second=0).isoformat())


def newest_unfinished(store: Store, wanted: Plan) -> str | None:
    """Return the newest run with the settings of ``wanted`` that has a plan and no snapshot, by its id."""
    unfinished = _run_ids(store.keys(PLANS)) - _run_ids(store.keys(SNAPSHOTS))
    for plan in _plans(store, sorted(unfinished, reverse=True)):
        if not differences(plan, wanted):
            return plan.run_id
    return None


def differences(stored: Plan, wanted: Plan) -> list[str]:
    """Name the settings in which two plans are not the same run."""
    theirs, ours = _settings(stored), _settings(wanted)
    return [name for name in ours if ours[name] != theirs[name]]


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that can be worked on.

    Attributes:
        plan: as it is stored.
        is_new: no earlier export has planned it.
        is_published: nothing is left to do.
    """

    plan: Plan
    is_new: bool
    is_published: bool


def begin(stage: PlanStage, run_id: str | None) -> Begun:
    """Plan a run, or take up one that is planned, and wake everybody.

    Args:
        stage: plan, of this export.
        run_id: None for the newest unfinished run with equal settings, else one of the current minute.

    Raises:
        CommandError: there is such a run, and it has other settings.
        InputError: the run would be new, and its scheduled time is in the future or too long ago.
        PermanentError: the lake or the organization refuses.
    """
    wanted = stage.new_plan(run_id or current_run_id(stage.clock))
    chosen = run_id or newest_unfinished(stage.store, wanted) or wanted.run_id
    is_new = not stage.store.exists(plan_key(chosen))
    if not is_new:
        stage = replace(stage, settings=replace(stage.settings, max_lateness_seconds=_ANY_AGE_SECONDS))
    result = stage.handle({"scheduled_time": run_at(chosen).isoformat()})
    # What is stored may be another export's that was faster.
    plan = stored_plan(stage.store, chosen)
    if others := differences(plan, wanted):
        raise CommandError(
            f"run {chosen} is there with other settings ({', '.join(others)}): name another --scheduled-time, or none "
            "from the next minute on"
        )
    return Begun(plan, is_new, is_published=result.step is Step.LATE)


def _settings(plan: Plan) -> dict[str, object]:
    return {
        "home account": plan.home_account_id,
        "accounts or regions": [planned.target for planned in plan.targets],
        "excluded accounts": plan.excluded_account_ids,
        "batch size": plan.batch_size,
        "deadline": plan.deadline_at - plan.planned_at,
        "sensitive fields": plan.include_sensitive_fields,
    }


def _plans(store: Store, run_ids: list[str]) -> Iterator[Plan]:
    for run_id in run_ids:
        body = store.get(plan_key(run_id))
        try:
            yield decode_plan(body or b"", run_id)
        except IntegrityError:
            # Another version's, perhaps: not a run that this one could finish.
            continue


def _run_ids(keys: Iterable[str]) -> set[str]:
    names = (key.rpartition("/")[2].partition(".")[0] for key in keys)
    return {name for name in names if re.match(RUN_ID_PATTERN, name)}
