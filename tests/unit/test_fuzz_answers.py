"""Any answer of SSM gives a page or a broken chain, and any page gives rows that the tables can hold."""

import contextlib
import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from patchlake.adapters.page_decoding import PageDecoder
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.records import NodeRecord, Page
from patchlake.core.tables import INSTANCE_ID
from patchlake.core.targets import RunTarget
from patchlake.errors import BrokenAnswerError
from patchlake.sources.nodes import NODE_COLUMNS, NODES, SHARD
from patchlake.sources.patch_states import PATCH_STATE_COLUMNS, PATCH_STATES
from patchlake.sources.registry import SOURCES
from tests.target_apis import plan_of
from tests.world import EU, HOME, RUN_ID, node_id, node_information

ORIGIN = RunTarget(RUN_ID, 0, EU)
PLAN = replace(plan_of(HOME), include_sensitive_fields=True)
TABLES = ParquetTables()
IDS = [node_id(number) for number in range(3)]
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
SENSIBLE = (
    st.integers(0, 2**31 - 1) | st.floats(0, 2e9) | st.sampled_from(["web", "Scan", "", "\x00", "=cmd()", "日本"])
)
VALID_STATE = {
    "InstanceId": IDS[0],
    "PatchGroup": "web",
    "BaselineId": "pb-0123456789abcdef0",
    "OperationStartTime": 1.5,
    "OperationEndTime": 2,
    "Operation": "Scan",
}


def rows_of(base: dict[str, Any], members: list[str | None]) -> st.SearchStrategy[list[Any]]:
    """Draw rows that are nearly right, and some that are not."""
    changes = st.dictionaries(st.sampled_from([str(member) for member in members]), SENSIBLE | ANY, max_size=4)
    row = st.builds(lambda i, change: {**base, "InstanceId": i, **change}, st.sampled_from(IDS), changes)
    return st.lists(row | ANY, max_size=4)


def body_of(member: str, rows: object) -> bytes:
    return json.dumps({member: rows, "NextToken": ""}).encode()


STATE_BODIES = rows_of(VALID_STATE, [INSTANCE_ID.member, *(column.member for column in PATCH_STATE_COLUMNS)]).map(
    lambda rows: body_of("InstancePatchStates", rows)
)
NODE_BODIES = rows_of({}, [INSTANCE_ID.member, *(column.member for column in NODE_COLUMNS)]).map(
    lambda rows: body_of("InstanceInformationList", rows)
)


@given(body=st.binary() | ANY.map(lambda value: json.dumps(value).encode()))
@example(b'{"InstancePatchStates":' + b"[" * 100_000)
@example(b'{"InstancePatchStates":[{"InstanceId":"\xff"}]}')
@example(b'{"InstancePatchStates":[1' + b"0" * 5_000 + b"]}")
def test_any_body_is_a_page_or_a_broken_answer(body: bytes) -> None:
    for source in SOURCES.sources:
        with contextlib.suppress(BrokenAnswerError):
            assert isinstance(PageDecoder(source.operation).page(body, 1), Page)


@given(body=STATE_BODIES)
def test_of_any_page_of_states_every_node_gets_a_row_that_a_part_can_hold(body: bytes) -> None:
    nodes = NODES.listed(ORIGIN, PLAN, [_page_of_nodes()]).columns

    settled = PATCH_STATES.settle(IDS, [PageDecoder(PATCH_STATES.operation).page(body, 1)])
    columns = PATCH_STATES.part(ORIGIN, PLAN, nodes, settled)

    assert (
        TABLES.open(TABLES.encode(PATCH_STATES.table, [columns], {})).columns(PATCH_STATES.table.column_names)
        == columns
    )
    assert columns["instance_id"] == IDS


@given(body=NODE_BODIES)
def test_of_any_page_of_nodes_comes_a_shard_that_can_be_stored(body: bytes) -> None:
    page = PageDecoder(NODES.operation).page(body, 1)

    columns, _, without_id = NODES.listed(ORIGIN, PLAN, [page])

    assert TABLES.open(TABLES.encode(SHARD, [columns], {})).columns(SHARD.column_names) == columns
    assert without_id == [row.instance_id for row in page.invalid].count(None)


def _page_of_nodes() -> Page[NodeRecord]:
    return Page([node_information(number) for number in range(3)], None, 1)
