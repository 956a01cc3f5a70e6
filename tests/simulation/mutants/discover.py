"""Mistakes in discover, and in the listing of a target."""

import dataclasses
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from patchlake.core import paging
from patchlake.core.keys import shard_key
from patchlake.core.listing import ListingResult, listing_metadata
from patchlake.core.messages import DiscoverMessage
from patchlake.core.paging import EMPTY_PAGES
from patchlake.core.plan import Plan
from patchlake.core.records import Page
from patchlake.core.targets import RunTarget, Target
from patchlake.errors import OutOfTimeError, RestartError
from patchlake.ports import Delivery, Store
from patchlake.sources.source import ListedRows, ListingSource
from patchlake.stages import collect, discover, stored_objects, stored_run
from patchlake.stages.discover import DiscoverResult, DiscoverStage
from patchlake.stages.stored_plan import stored_plan
from tests.simulation.faults import Fault
from tests.simulation.mutants.answers import Pages
from tests.simulation.mutants.deaf_queue import DeafQueue
from tests.simulation.mutants.mutant import Patch, mutant
from tests.simulation.mutants.provocations import (
    A_CLOSE_RACE,
    ENDLESS_CHAINS,
    FORGED_OFTEN,
    HURRIED,
    PEOPLED,
    REFUSED_FOR_GOOD,
    WORKERS_STALLED,
)
from tests.simulation.provocation import struck_by

type Ask = Callable[[str | None], Page[Any]]
type Read = Callable[[Pages], ListedRows]


@mutant("I1", "discover keeps a node that was listed twice", PEOPLED & struck_by(Fault.LISTED_TWICE))
def _keeps_duplicates(patch: Patch) -> None:
    listed_rows = ListingSource.listed

    def keep(source: ListingSource, run_target: RunTarget, planned: Plan, pages: Iterable[Page[Any]]) -> ListedRows:
        if source.name != "nodes":
            return listed_rows(source, run_target, planned, pages)
        pages = list(pages)
        once, listed_at_ms, without_id = listed_rows(source, run_target, planned, pages)
        listed = [record.instance_id for page in pages for record in page.records]
        rows = [row for row, i in enumerate(once["instance_id"]) for _ in range(max(1, listed.count(i)))]
        return ListedRows(
            {name: [values[row] for row in rows] for name, values in once.items()}, listed_at_ms, without_id
        )

    patch.setattr(ListingSource, "listed", keep)


@mutant("I1", "a broken chain of pages is taken for its end")
def _stops_early(patch: Patch) -> None:
    def pages_so_far(ask: Ask, read: Read, _most_rows: int, _subject: str) -> ListedRows:
        pages: list[Page[Any]] = []
        token = None
        while not pages or token is not None:
            try:
                pages.append(ask(token))
            except RestartError:
                if not pages:
                    raise
                break
            token = pages[-1].next_token
        return read(pages)

    patch.setattr(discover, "read_chain", pages_so_far)


@mutant("I19", "a listing may go on without news", ENDLESS_CHAINS)
def _lists_for_ever(patch: Patch) -> None:
    patch.setattr(paging.ListingNews, "require", lambda *_: None)


@mutant("I19", "a chain of pages about nodes may go on and on", ENDLESS_CHAINS)
def _asks_for_ever(patch: Patch) -> None:
    patch.setattr(paging, "EMPTY_PAGES", 1_000_000)


@mutant("I1", "what was read of an endless listing is taken for the whole", ENDLESS_CHAINS)
def _takes_endless_for_whole(patch: Patch) -> None:
    def first_pages(ask: Ask, read: Read, _most_rows: int, _subject: str) -> ListedRows:
        pages = [ask(None)]
        while (token := pages[-1].next_token) is not None and len(pages) < EMPTY_PAGES:
            pages.append(ask(token))
        return read(pages)

    patch.setattr(discover, "read_chain", first_pages)


@mutant("I8", "discover cuts batches by a size of its own")
def _cuts_its_own(patch: Patch) -> None:
    groups = ListedRows.groups
    patch.setattr(ListedRows, "groups", lambda listed, rows: groups(listed, rows + 1))


@mutant("I9", "shards have keys without the run")
def _shares_shards(patch: Patch) -> None:
    def key(_run_id: str, target: Target, _source: str = "nodes") -> str:
        return f"runs/shards/{target}.parquet"

    for module in (discover, collect, stored_run, stored_objects):
        patch.setattr(module, "shard_key", key)


@mutant("I8", "discover sends nothing for a shard that was there")
def _discovers_once(patch: Patch) -> None:
    handle = DiscoverStage.handle

    def handle_once(stage: DiscoverStage, message: DiscoverMessage, delivery: Delivery) -> DiscoverResult:
        if not stage.store.exists(shard_key(message.run_id, message.target)):
            return handle(stage, message, delivery)
        return handle(dataclasses.replace(stage, detail_queues={"patch_states": DeafQueue()}), message, delivery)

    patch.setattr(DiscoverStage, "handle", handle_once)


@mutant("I1", "a refusal is recorded without its code", REFUSED_FOR_GOOD)
def _refuses_without_reason(patch: Patch) -> None:
    def metadata(run_target: RunTarget, listing: ListingResult, source: str) -> dict[str, str]:
        return listing_metadata(run_target, ListingResult(listing.status, None, listing.listed_at_ms), source)

    patch.setattr(discover, "listing_metadata", metadata)


@mutant("I10", "discover does not look for the snapshot")
def _discovers_late(patch: Patch) -> None:
    patch.setattr(discover, "is_published", lambda _store, _run_id: False)


@mutant("I22", "discover does not look for the deadline", WORKERS_STALLED)
def _discovers_after_the_deadline(patch: Patch) -> None:
    patch.setattr(discover, "stored_plan", _without_end)


@mutant("I22", "collect does not look for the deadline", A_CLOSE_RACE)
def _collects_after_the_deadline(patch: Patch) -> None:
    patch.setattr(collect, "stored_plan", _without_end)


def _without_end(store: Store, run_id: str) -> Plan:
    return msgspec.structs.replace(stored_plan(store, run_id), deadline_at=datetime.max.replace(tzinfo=UTC))


@mutant("I11", "discover and collect trust the message for the target", FORGED_OFTEN)
def _trusts(patch: Patch) -> None:
    patch.setattr(Plan, "require", lambda _plan, _target: None)


@mutant("I1", "a listing that ran out of time is taken for the whole", HURRIED)
def _lists_until_time_is_out(patch: Patch) -> None:
    def pages_in_time(ask: Ask, read: Read, _most_rows: int, _subject: str) -> ListedRows:
        pages = [ask(None)]
        while (token := pages[-1].next_token) is not None:
            try:
                pages.append(ask(token))
            except OutOfTimeError:
                break
        return read(pages)

    patch.setattr(discover, "read_chain", pages_in_time)
