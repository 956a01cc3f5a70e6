"""The run that an export works on: the newest unfinished one with the same settings, or a new one.

The settings are those of a plan: the home account, the accounts and regions, the batch size, the lengths of the
deadlines, the sources, the tag keys and the fields to keep. Access settings (role, external id, profile, connections)
are not in the plan and may change between attempts, so a run can continue after a misspelled role.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from patchlake.core.keys import PLANS, SNAPSHOTS, plan_key, run_ids
from patchlake.core.plan import Plan, decode_plan
from patchlake.core.run import run_at
from patchlake.errors import InputError, IntegrityError
from patchlake.ports import Store
from patchlake.stages.plan import PlanStage
from patchlake.stages.step import Step
from patchlake.stages.stored_plan import stored_plan
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.runs import current_run_id

_ANY_AGE_SECONDS = 10**9
"""A stored plan may have any age; only a new one must be recent."""

_BEHIND_SECONDS = 2
"""The most by which the answers of two services may differ: the next one may still be from this minute."""


def unfinished_plans(store: Store) -> Iterator[Plan]:
    """Yield the plan of each run that has one and no snapshot, the newest first."""
    unfinished = run_ids(store.keys(PLANS)) - run_ids(store.keys(SNAPSHOTS))
    for run_id in sorted(unfinished, reverse=True):
        try:
            yield decode_plan(store.get(plan_key(run_id)) or b"", run_id)
        except IntegrityError:
            # Perhaps another version wrote it: this one could not finish the run.
            continue


def newest_unfinished(store: Store, wanted: Plan) -> str | None:
    """Return the id of the newest unfinished run with the settings of ``wanted`` that has begun, and has time left.

    One that has not begun was planned when the time of AWS's answers was wrong.
    """
    for plan in unfinished_plans(store):
        if not differences(plan, wanted) and run_at(plan.run_id) <= wanted.planned_at < plan.deadline_at:
            return plan.run_id
    return None


def differences(stored: Plan, wanted: Plan) -> list[str]:
    """Return the settings in which two plans differ."""
    theirs, ours = _settings(stored), _settings(wanted)
    return [name for name in ours if ours[name] != theirs[name]]


@dataclass(frozen=True, slots=True)
class Begun:
    """A run to work on.

    Attributes:
        plan: the stored plan.
        is_new: whether no earlier export has planned it.
        is_published: whether nothing is left to do.
    """

    plan: Plan
    is_new: bool
    is_published: bool


type Wait = Callable[[str, int], object]
"""Says why, waits for a number of seconds, and asks AWS for the time."""


def begin(stage: PlanStage, run_id: str | None, wait: Wait) -> Begun:
    """Plan a run, or continue a planned one, and send the first messages of every stage.

    Args:
        stage: the plan stage of this export.
        run_id: the run; None for the newest unfinished one with the same settings and time left, or else the current
            minute's. If that exists with different settings, the next minute's.
        wait: waits for the next minute.

    Raises:
        CommandError: the run exists with different settings, or the time of AWS's answers jumps.
        InputError: the run would be new, and its scheduled time is in the future or too long ago.
        PermanentError: the lake or the organization refuses access.
    """
    wanted = stage.new_plan(run_id or current_run_id(stage.clock))
    chosen = run_id or newest_unfinished(stage.store, wanted)
    if chosen is None:
        wanted = _of_a_free_minute(stage, wanted, wait)
        chosen = wanted.run_id
    is_new = not stage.store.exists(plan_key(chosen))
    if not is_new:
        stage = replace(stage, settings=replace(stage.settings, max_lateness_seconds=_ANY_AGE_SECONDS))
    try:
        result = stage.handle({"scheduled_time": run_at(chosen).isoformat()})
    except InputError as error:
        if run_id is not None:
            raise
        raise CommandError(
            f"the time of AWS's answers jumps: a moment ago, this run was due, and now {error}. Retry in a "
            "minute; if the problem persists, look for a proxy that changes or caches answers"
        ) from error
    # Another export may have stored its plan first.
    plan = stored_plan(stage.store, chosen)
    if others := differences(plan, wanted):
        named = "use another --scheduled-time, or leave it out to take a snapshot now"
        raise CommandError(f"{_exists(chosen, others)}: {'retry in a minute' if run_id is None else named}")
    return Begun(plan, is_new, is_published=result.step is Step.LATE)


def _of_a_free_minute(stage: PlanStage, wanted: Plan, wait: Wait) -> Plan:
    """Return the plan for the current minute, or for the next one if the current one has different settings."""
    if not stage.store.exists(plan_key(wanted.run_id)):
        return wanted
    others = differences(stored_plan(stage.store, wanted.run_id), wanted)
    if not others:
        return wanted
    seconds = 60 - stage.clock.now().second + _BEHIND_SECONDS
    wait(f"{_exists(wanted.run_id, others)}: this one starts in the next minute, in {seconds} seconds", seconds)
    return stage.new_plan(current_run_id(stage.clock))


def _exists(run_id: str, others: Sequence[str]) -> str:
    return f"run {run_id} already exists with different settings ({', '.join(others)})"


def _settings(plan: Plan) -> dict[str, object]:
    return {
        "home account": plan.home_account_id,
        "accounts or regions": [planned.target for planned in plan.targets],
        "excluded accounts": plan.excluded_account_ids,
        "batch size": plan.batch_size,
        "deadline": plan.deadline_at - plan.planned_at,
        "sensitive fields": plan.include_sensitive_fields,
        "sources": plan.sources,
        "tag keys": plan.tag_keys,
        "detail deadline": plan.detail_deadline_at and plan.detail_deadline_at - plan.planned_at,
    }
