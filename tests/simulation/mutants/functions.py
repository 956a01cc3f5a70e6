"""Mistakes in the deployed functions: in what they acknowledge, and in what they count."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any

from patchlake.core.call_counter import CallCounter, CallCounts
from patchlake.errors import PatchlakeError
from tests.simulation import functions
from tests.simulation.invocations import Stage
from tests.simulation.mutants.mutant import MUTANTS, Mutant, Patch, mutant
from tests.simulation.mutants.provocations import RUNS_IN_FUNCTIONS

type Alter = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


def _alter_apps(patch: Patch, alter: Callable[[Patch, ModuleType], None]) -> None:
    """Let every function be what ``alter`` leaves of it."""
    app = functions.app
    altered: set[str] = set()

    def altered_app(stage: Stage) -> ModuleType:
        module = app(stage)
        if stage not in altered:
            altered.add(stage)
            alter(patch, module)
        return module

    patch.setattr(functions, "app", altered_app)


def _alter_answers(patch: Patch, alter: Alter) -> None:
    def alter_answer(patch: Patch, module: ModuleType) -> None:
        lambda_handler = module.lambda_handler

        def altered(event: dict[str, Any], context: object) -> dict[str, Any]:
            return alter(event, lambda_handler(event, context))

        patch.setattr(module, "lambda_handler", altered)

    _alter_apps(patch, alter_answer)


def _fails_none(_event: dict[str, Any], _answer: dict[str, Any]) -> dict[str, Any]:
    return {"batchItemFailures": []}


def _fails_all(event: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    if not answer.get("batchItemFailures"):
        return answer
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]]}


def _fails_the_first(_event: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    return {"batchItemFailures": answer.get("batchItemFailures", [])[:1]}


for _name, _alter in (
    ("a function acknowledges messages that failed", _fails_none),
    ("a message that fails takes its neighbours with it", _fails_all),
    ("a function reports one failed message alone", _fails_the_first),
):
    MUTANTS.append(Mutant(_name, "I15", partial(_alter_answers, alter=_alter), RUNS_IN_FUNCTIONS))


@mutant("I15", "a function swallows the error of a message", RUNS_IN_FUNCTIONS)
def _swallows_errors(patch: Patch) -> None:
    def alter(patch: Patch, module: ModuleType) -> None:
        if not hasattr(module, "handle_record"):
            return
        handle_record = module.handle_record

        def handle_or_not(record: object, lambda_context: object) -> None:
            with suppress(PatchlakeError):
                handle_record(record, lambda_context)

        patch.setattr(module, "handle_record", handle_or_not)

    _alter_apps(patch, alter)


def _without_metrics(patch: Patch, names: tuple[str, ...]) -> None:
    def alter(patch: Patch, module: ModuleType) -> None:
        add_metric = module.metrics.add_metric

        def add_some(name: str, *arguments: object) -> None:
            if not name.startswith(names):
                add_metric(name, *arguments)

        patch.setattr(module.metrics, "add_metric", add_some)

    _alter_apps(patch, alter)


for _name, _metrics in (
    ("a function loses its metrics", ("",)),
    ("a late message is not counted", ("LateMessages",)),
    ("the outcome of a run is not counted", ("Runs",)),
    ("the nodes of a snapshot are not counted", ("Nodes",)),
    ("the targets of a run are not counted", ("Targets",)),
    ("the calls of SSM are not counted", ("SsmCalls",)),
    ("looks at a run are not counted", ("Ticks",)),
    ("fired schedules are not counted", ("SchedulesFired",)),
):
    MUTANTS.append(Mutant(_name, "I15", partial(_without_metrics, names=_metrics), RUNS_IN_FUNCTIONS))


@mutant("I15", "the calls of SSM are counted again in each invocation", RUNS_IN_FUNCTIONS)
def _never_drains(patch: Patch) -> None:
    drain = CallCounter.drain
    total = 0

    def drain_none(counter: CallCounter) -> CallCounts:
        nonlocal total
        drained = drain(counter)
        total += drained.calls
        return drained._replace(calls=total)

    patch.setattr(CallCounter, "drain", drain_none)
