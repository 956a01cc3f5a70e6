"""Two secondary sources that no edition ships: a listing, and a detail of the patch states with two rows per node."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from patchlake.core.plan import Plan
from patchlake.core.records import NodeRecord, Page, Record, record_type
from patchlake.core.rows import Outcome, record_values, target_columns
from patchlake.core.statuses import COLLECTION, CollectionStatus, Explanation
from patchlake.core.tables import RUN_COLUMNS, TARGET_COLUMNS, Columns, Table, count, unique_string
from patchlake.core.targets import RunTarget
from patchlake.sources.nodes import NODES
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.registry import Registry
from patchlake.sources.source import DetailSource, ListingSource, Operation, detail_table

GADGET_COLUMNS = (unique_string("gadget_id", "The gadget.", "GadgetId", nullable=False),)
TOY_COLUMNS = (unique_string("name", "The toy's name.", "Name"), count("size", "Its size.", "Size"))
STATUSES = {
    CollectionStatus.COLLECTED: Explanation("a toy of the node"),
    "NO_TOYS": Explanation("the node has no toys"),
    CollectionStatus.NOT_COLLECTED: COLLECTION[CollectionStatus.NOT_COLLECTED],
    CollectionStatus.INVALID_RESPONSE: COLLECTION[CollectionStatus.INVALID_RESPONSE],
}
Gadget = record_type("Gadget", GADGET_COLUMNS, Record)
Toy = record_type("Toy", TOY_COLUMNS, Record)


def gadget(number: int) -> Record:
    """Return a gadget as its service lists it."""
    return msgspec.convert({"GadgetId": f"gadget-{number:04d}"}, type=Gadget)


def toys_of(instance_id: str) -> list[Record]:
    """Return the two toys of a node."""
    return [msgspec.convert({"Name": f"{kind} of {instance_id}", "Size": 1}, type=Toy) for kind in ("bear", "duck")]


def _gadget_rows(run_target: RunTarget, page: Page[Any], plan: Plan) -> Columns:
    return {
        **target_columns(run_target, len(page.records)),
        **record_values(GADGET_COLUMNS, page.records, include_sensitive_fields=plan.include_sensitive_fields),
    }


def _asks_about(states: Columns) -> list[str]:
    """Return the nodes that miss a patch, or of which that is not known."""
    rows = zip(states["instance_id"], states["collection_status"], states["missing_count"], strict=True)
    return [i for i, status, missing in rows if status == CollectionStatus.COLLECTED and missing != 0]


def _settle(asked: Sequence[str], pages: Iterable[Page[NodeRecord]]) -> dict[str, Sequence[Outcome]]:
    (instance_id,) = asked
    outcomes: list[Outcome] = []
    reasons: list[str] = []
    answered_at_ms = None
    for page in pages:
        answered_at_ms = page.answered_at_ms
        reasons += [row.reason for row in page.invalid]
        outcomes += [Outcome(CollectionStatus.COLLECTED, None, answered_at_ms, record) for record in page.records]
    if reasons:
        return {instance_id: [Outcome(CollectionStatus.INVALID_RESPONSE, reasons[0], answered_at_ms)]}
    return {instance_id: outcomes or [Outcome("NO_TOYS", None, answered_at_ms)]}


GADGETS = ListingSource(
    name="gadgets",
    operation=Operation("ssm", "ListGadgets", "Gadgets", Gadget, page_size=50),
    table=Table("gadgets", "One row per gadget.", (*RUN_COLUMNS, *TARGET_COLUMNS, *GADGET_COLUMNS)),
    row_key=("gadget_id",),
    rows=_gadget_rows,
)
TOYS = DetailSource(
    name="toys",
    operation=Operation("ssm", "DescribeToys", "Toys", Toy, page_size=50, ids_per_call=1),
    answer_columns=TOY_COLUMNS,
    table=detail_table("toys", "Two rows per node that misses a patch.", TOY_COLUMNS, STATUSES),
    statuses=STATUSES,
    asks_about=_asks_about,
    settle=_settle,
    parent_columns=("collection_status", "missing_count"),
    nodes_per_part=50,
)
TOY_SOURCES = Registry(NODES, PATCH_STATES, (GADGETS, TOYS))
