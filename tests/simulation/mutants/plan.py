"""Mistakes in plan."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from patchlake.core.keys import plan_key
from patchlake.core.messages import CommitMessage, DiscoverMessage
from patchlake.core.plan import Plan, decode_plan, encode_plan, make_plan
from patchlake.core.run import run_id_of
from patchlake.ports import Store
from patchlake.stages import plan
from patchlake.stages.plan import PlanResult, PlanStage
from patchlake.stages.step import Step
from patchlake.stages.stored_objects import create_or_adopt
from tests.simulation.faults import Fault
from tests.simulation.mutants.deaf_queue import DeafQueue
from tests.simulation.mutants.mutant import Patch, mutant
from tests.simulation.mutants.provocations import AN_ACCOUNT_LEFT_OUT, PEOPLED, TWO_PLANS_AT_ONCE
from tests.simulation.provocation import CALM, struck_by


@mutant("I8", "plan sends messages before its plan is stored")
def _sends_first(patch: Patch) -> None:
    stored_plan = PlanStage._stored_plan  # noqa: SLF001

    def send_and_store(stage: PlanStage, run_id: str) -> tuple[Plan, Step]:
        stage.listing_queues["nodes"].send(_discover_messages(stage.new_plan(run_id)))
        return stored_plan(stage, run_id)

    patch.setattr(PlanStage, "_stored_plan", send_and_store)


@mutant("I8", "plan sends for its own targets, whatever is stored")
def _adopts_nothing(patch: Patch) -> None:
    stored_plan = PlanStage._stored_plan  # noqa: SLF001

    def store_and_forget(stage: PlanStage, run_id: str) -> tuple[Plan, Step]:
        own = stage.new_plan(run_id)
        return own, stored_plan(stage, run_id)[1]

    patch.setattr(PlanStage, "_stored_plan", store_and_forget)


@mutant("I8", "plan goes by what it wanted to store, where another plan was first", TWO_PLANS_AT_ONCE)
def _adopts_itself(patch: Patch) -> None:
    def create_or_ignore(store: Store, key: str, body: bytes) -> tuple[bytes, Step]:
        return body, create_or_adopt(store, key, body)[1]

    patch.setattr(plan, "create_or_adopt", create_or_ignore)


@mutant("I13", "plan takes any scheduled time", struck_by(Fault.SKEWED))
def _plans_any_time(patch: Patch) -> None:
    patch.setattr(PlanStage, "_require_current", lambda *_: None)


@mutant("I13", "plan does not look at the time again", struck_by(Fault.DATES_MOVED))
def _plans_whatever_the_time_is_then(patch: Patch) -> None:
    def store(stage: PlanStage, run_id: str) -> tuple[Plan, Step]:
        body, step = create_or_adopt(stage.store, plan_key(run_id), encode_plan(stage.new_plan(run_id)))
        return decode_plan(body, run_id), step

    patch.setattr(PlanStage, "_stored_plan", store)


@mutant("L1", "plan sends the watch message last")
def _watch_last(patch: Patch) -> None:
    def handle(stage: PlanStage, event: Mapping[str, object]) -> PlanResult:
        run_id = run_id_of(event.get("scheduled_time"))
        stage._require_current(run_id, stage.clock.now())  # noqa: SLF001
        stored, step = stage._stored_plan(run_id)  # noqa: SLF001
        stage.listing_queues["nodes"].send(_discover_messages(stored))
        stage.commit_queue.send([(CommitMessage(run_id=run_id).encode(), run_id)])
        return PlanResult(run_id, step, len(stored.targets), len(stored.active_targets()))

    patch.setattr(PlanStage, "handle", handle)


@mutant("I9", "plan names the run by its clock")
def _now(patch: Patch) -> None:
    handle = PlanStage.handle

    def handle_now(stage: PlanStage, _: Mapping[str, object]) -> PlanResult:
        return handle(stage, {"scheduled_time": f"{stage.clock.now():%Y-%m-%dT%H:%M:%SZ}"})

    patch.setattr(PlanStage, "handle", handle_now)


@mutant("I8", "plan sends nothing for a plan that was there")
def _plans_once(patch: Patch) -> None:
    handle = PlanStage.handle

    def handle_once(stage: PlanStage, event: Mapping[str, object]) -> PlanResult:
        if not stage.store.exists(plan_key(run_id_of(event.get("scheduled_time")))):
            return handle(stage, event)
        deaf = dict.fromkeys(stage.listing_queues, DeafQueue())
        return handle(dataclasses.replace(stage, listing_queues=deaf), event)

    patch.setattr(PlanStage, "handle", handle_once)


@mutant("I6", "plan leaves out accounts that are not active")
def _plans_active(patch: Patch) -> None:
    _alter_plans(patch, lambda wanted: {**wanted, "accounts": [a for a in wanted["accounts"] if a.active]})


@mutant("I6", "plan believes a list in which our own account is not active")
def _plans_home_as_listed(patch: Patch) -> None:
    def make(run_id: str, **wanted: Any) -> Plan:  # noqa: ANN401
        made, listed = make_plan(run_id, **wanted), {account.account_id: account for account in wanted["accounts"]}
        targets = [replace(one, active=listed[one.account_id].active) for one in made.targets]
        return replace(made, targets=tuple(targets))

    patch.setattr(plan, "make_plan", make)


@mutant("I6", "plan covers accounts that are left out on purpose", AN_ACCOUNT_LEFT_OUT)
def _plans_excluded(patch: Patch) -> None:
    _alter_plans(patch, lambda wanted: {**wanted, "excluded_account_ids": ()})


@mutant("I11", "plan takes the first account for the home account", PEOPLED & CALM)
def _plans_first(patch: Patch) -> None:
    _alter_plans(patch, lambda wanted: {**wanted, "home_account_id": wanted["accounts"][0].account_id})


def _alter_plans(patch: Patch, alter: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let plan make its plan of what ``alter`` leaves of it."""
    patch.setattr(plan, "make_plan", lambda run_id, **wanted: make_plan(run_id, **alter(wanted)))


@mutant("I10", "plan does not look for the snapshot")
def _plans_late(patch: Patch) -> None:
    patch.setattr(plan, "is_published", lambda _store, _run_id: False)


def _discover_messages(stored: Plan) -> list[tuple[str, str]]:
    return [
        (DiscoverMessage(run_id=stored.run_id, account_id=target.account_id, region=target.region).encode(), "")
        for target in stored.active_targets()
    ]
