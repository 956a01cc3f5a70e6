"""Mistakes in collect."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from patchlake.core.plan import Plan
from patchlake.core.rows import Outcome
from patchlake.core.statuses import CollectionStatus
from patchlake.core.tables import Columns
from patchlake.core.targets import RunTarget, Target
from patchlake.errors import OutOfTimeError, RetryableError
from patchlake.sources.source import DetailSource
from patchlake.stages import collect
from patchlake.stages.collect import CollectStage
from tests.simulation.faults import Fault
from tests.simulation.mutants.answers import Pages, Settle, alter_ids_per_call, alter_settling
from tests.simulation.mutants.mutant import Patch, mutant
from tests.simulation.mutants.provocations import LARGE_BATCHES, PEOPLED, STATES_THROTTLED
from tests.simulation.provocation import struck_by


def _guessed(
    _plan: Plan, _target: Target, _source: DetailSource, ids: Sequence[str], *_: object
) -> dict[str, Sequence[Outcome]]:
    return dict.fromkeys(ids, (Outcome(CollectionStatus.NO_PATCH_STATE),))


@mutant("I1", "a part is written when the time is out")
def _writes_in_part(patch: Patch) -> None:
    ask = CollectStage._ask  # noqa: SLF001

    def ask_in_time(stage: CollectStage, *arguments: Any, fresh_session: bool) -> dict[str, Sequence[Outcome]]:  # noqa: ANN401
        try:
            return ask(stage, *arguments, fresh_session=fresh_session)
        except OutOfTimeError:
            return _guessed(*arguments)

    patch.setattr(CollectStage, "_ask", ask_in_time)


@mutant("I1", "a part is written despite a transient error")
def _swallows(patch: Patch) -> None:
    ask = CollectStage._ask  # noqa: SLF001

    def ask_or_guess(stage: CollectStage, *arguments: Any, fresh_session: bool) -> dict[str, Sequence[Outcome]]:  # noqa: ANN401
        try:
            return ask(stage, *arguments, fresh_session=fresh_session)
        except RetryableError:
            return _guessed(*arguments)

    patch.setattr(CollectStage, "_ask", ask_or_guess)


@mutant("I1", "nodes that were not collected have no reason", STATES_THROTTLED)
def _gives_no_reason(patch: Patch) -> None:
    not_collected = DetailSource.not_collected

    def without_detail(*arguments: Any) -> Columns:  # noqa: ANN401
        columns = not_collected(*arguments)
        return columns | {"collection_detail": [None] * len(columns["instance_id"])}

    patch.setattr(DetailSource, "not_collected", without_detail)


@mutant("I10", "collect does not look for the snapshot")
def _collects_late(patch: Patch) -> None:
    patch.setattr(collect, "is_published", lambda _store, _run_id: False)


@mutant("I1", "a node that SSM does not answer for has no row")
def _drops_silent(patch: Patch) -> None:
    part = DetailSource.part

    def answered(*arguments: Any) -> Columns:  # noqa: ANN401
        columns = part(*arguments)
        statuses = columns["collection_status"]
        return {
            name: [value for value, status in zip(values, statuses, strict=True) if status != "NO_PATCH_STATE"]
            for name, values in columns.items()
        }

    patch.setattr(DetailSource, "part", answered)


@mutant("I1", "rows that break a rule are ignored")
def _ignores_invalid(patch: Patch) -> None:
    def valid(settle: Settle, asked: Sequence[str], pages: Pages) -> dict[str, Sequence[Outcome]]:
        return settle(asked, [dataclasses.replace(page, rows=page.records) for page in pages])

    alter_settling(patch, valid)


@mutant("I12", "a node that was not asked for is kept", PEOPLED & struck_by(Fault.NOT_ASKED_FOR))
def _keeps_strangers(patch: Patch) -> None:
    part = DetailSource.part

    def every(settle: Settle, asked: Sequence[str], pages: Pages) -> dict[str, Sequence[Outcome]]:
        pages = list(pages)
        return settle([*asked, *(record.instance_id for page in pages for record in page.records)], pages)

    def with_strangers(
        source: DetailSource,
        run_target: RunTarget,
        planned: Plan,
        nodes: Columns,
        settled: Mapping[str, Sequence[Outcome]],
    ) -> Columns:
        strangers = [instance_id for instance_id in settled if instance_id not in nodes["instance_id"]]
        more = {name: values + [None] * len(strangers) for name, values in nodes.items()}
        more["instance_id"] = nodes["instance_id"] + strangers
        return part(source, run_target, planned, more, settled)

    alter_settling(patch, every)
    patch.setattr(DetailSource, "part", with_strangers)


@mutant("I12", "SSM is asked for 100 nodes a call", LARGE_BATCHES)
def _asks_for_more(patch: Patch) -> None:
    alter_ids_per_call(patch, "DescribeInstancePatchStates", 100)
