"""Mistakes about what is absent or broken: absence taken for emptiness, and a small fault that costs too much."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from patchlake.adapters.page_decoding import PageDecoder
from patchlake.core.plan import Account, Plan, make_plan
from patchlake.core.records import InvalidRow, Page, Record
from patchlake.core.statuses import ListingStatus
from patchlake.core.tables import Columns
from patchlake.errors import BrokenAnswerError
from patchlake.sources.coverage import coverage_row, is_complete
from patchlake.sources.source import DetailSource, ListedRows, ListingSource
from patchlake.stages import plan, publish
from patchlake.stages.plan import PlanStage
from tests.simulation.faults import Fault
from tests.simulation.mutants.answers import Pages, Settle, Settled, alter_settling
from tests.simulation.mutants.mutant import Patch, mutant
from tests.simulation.mutants.provocations import NO_ACTIVE_TARGET, PEOPLED
from tests.simulation.provocation import struck_by
from tests.world import HOME


@mutant("I1", "an answer that is none is read as an empty page", PEOPLED & struck_by(Fault.BROKEN_BODY))
def _reads_nothing(patch: Patch) -> None:
    page = PageDecoder.page

    def empty(decoder: PageDecoder, body: bytes, answered_at_ms: int) -> Page[Record]:
        try:
            return page(decoder, body, answered_at_ms)
        except BrokenAnswerError:
            return Page([], None, answered_at_ms)

    patch.setattr(PageDecoder, "page", empty)


@mutant("I6", "a run without any account is planned", PEOPLED & struck_by(Fault.NO_ACCOUNTS))
def _plans_nothing(patch: Patch) -> None:
    def make(run_id: str, *, accounts: Iterable[Account], **settings: Any) -> Plan:  # noqa: ANN401
        accounts = list(accounts)
        made = make_plan(run_id, accounts=accounts or [Account(HOME)], **settings)
        return made if accounts else replace(made, targets=())

    patch.setattr(plan, "make_plan", make)


@mutant("I6", "a list of accounts without our own is planned", PEOPLED & struck_by(Fault.OWN_ACCOUNT_LEFT_OUT))
def _plans_without_our_own_account(patch: Patch) -> None:
    patch.setattr(PlanStage, "_organization", lambda stage, *_: stage.accounts.organization_accounts())


def _alter_completeness(patch: Patch, listings: bool, rows: bool) -> None:  # noqa: FBT001
    """Let a run be COMPLETE though it has no active target, or rows without an id."""

    def altered(found: Iterable[str], statuses: Mapping[str, int], rows_without_id: int) -> bool:
        found = {*found, ListingStatus.LISTED} if listings else found
        return is_complete(found, statuses, 0 if rows else rows_without_id)

    patch.setattr(publish, "is_complete", altered)


@mutant("I7", "a run without an active target is COMPLETE", NO_ACTIVE_TARGET)
def _completes_without_targets(patch: Patch) -> None:
    _alter_completeness(patch, listings=True, rows=False)


@mutant("I7", "a run with rows without an id is COMPLETE", PEOPLED & struck_by(Fault.NAMELESS_ROW))
def _completes_without_ids(patch: Patch) -> None:
    _alter_completeness(patch, listings=False, rows=True)


@mutant("I1", "rows without an id are dropped uncounted", PEOPLED & struck_by(Fault.NAMELESS_ROW))
def _drops_the_nameless(patch: Patch) -> None:
    listed = ListingSource.listed

    def uncounted(source: ListingSource, *arguments: Any) -> ListedRows:  # noqa: ANN401
        return listed(source, *arguments)._replace(without_id=0)

    patch.setattr(ListingSource, "listed", uncounted)


@mutant("I6", "coverage drops the count of rows without an id", PEOPLED & struck_by(Fault.NAMELESS_ROW))
def _covers_no_nameless(patch: Patch) -> None:
    patch.setattr(publish, "coverage_row", lambda *arguments: {**coverage_row(*arguments), "rows_without_id": None})


@mutant("I1", "an answer about another node leaves a node without a state", PEOPLED & struck_by(Fault.NOT_ASKED_FOR))
def _ignores_rows_about_others(patch: Patch) -> None:
    def about(asked: Sequence[str], page: Page[Any]) -> Page[Any]:
        return dataclasses.replace(page, rows=[one for one in page.rows if one.instance_id in asked])

    alter_settling(patch, lambda settle, asked, pages: settle(asked, [about(asked, page) for page in pages]))


@mutant("I1", "a bad value costs its whole row", PEOPLED & struck_by(Fault.BAD_VALUE))
def _loses_the_row(patch: Patch) -> None:
    def without_records(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        return settle(asked, map(_without_records, pages))

    alter_settling(patch, without_records)


def _without_records(page: Page[Any]) -> Page[Any]:
    rows = [dataclasses.replace(row, record=None) if isinstance(row, InvalidRow) else row for row in page.rows]
    return dataclasses.replace(page, rows=rows)


@mutant("I1", "a bad value is not named", PEOPLED & struck_by(Fault.BAD_VALUE))
def _names_nothing(patch: Patch) -> None:
    part = DetailSource.part

    def unnamed(source: DetailSource, *arguments: Any) -> Columns:  # noqa: ANN401
        columns = part(source, *arguments)
        rows = zip(columns["collection_status"], columns["collection_detail"], strict=True)
        return {**columns, "collection_detail": [None if status == "COLLECTED" else why for status, why in rows]}

    patch.setattr(DetailSource, "part", unnamed)


def _alter_nodes_asked(patch: Patch, asks: Any) -> None:  # noqa: ANN401
    own = DetailSource.__dict__["asks_about"]

    def rule(source: DetailSource) -> Any:  # noqa: ANN401
        return asks if source.name == "patch_states" else own.__get__(source)

    patch.setattr(DetailSource, "asks_about", property(rule, own.__set__))


@mutant("I1", "a node with a bad value in its description is not asked about", PEOPLED & struck_by(Fault.BAD_VALUE))
def _asks_only_the_flawless(patch: Patch) -> None:
    def flawless(nodes: Columns) -> list[str]:
        return [i for i, reason in zip(nodes["instance_id"], nodes["invalid_reason"], strict=True) if reason is None]

    _alter_nodes_asked(patch, flawless)


@mutant("I12", "ids of an unknown form are asked about", PEOPLED & struck_by(Fault.UNKNOWN_ID))
def _asks_about_all(patch: Patch) -> None:
    _alter_nodes_asked(patch, lambda nodes: list(nodes["instance_id"]))
