"""The rows of shards, parts and coverage, made only from answers."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from patchlake.core.listing import ListingResult
from patchlake.core.plan import Plan
from patchlake.core.records import InvalidRow, NodeRecord, Page
from patchlake.core.rows import Outcome
from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake.core.tables import Columns
from patchlake.core.targets import RunTarget
from patchlake.sources.coverage import TargetRead, coverage_row, coverage_table, is_complete
from patchlake.sources.nodes import NODE_COLUMNS, NODES, SHARD
from patchlake.sources.patch_states import PATCH_STATE_COLUMNS, PATCH_STATES
from patchlake.sources.source import ListedRows
from tests.target_apis import plan_of
from tests.world import EU, HOME, RUN_ID, node_id, node_information, patch_state

COLLECTED, NO_PATCH_STATE, NOT_COLLECTED, INVALID_RESPONSE = CollectionStatus
ORIGIN = RunTarget(RUN_ID, 1_793_512_800_000, EU)
NUMBERS = st.integers(0, 9)


def page(*records: NodeRecord, invalid: Sequence[InvalidRow] = (), at: int = 1) -> Page[NodeRecord]:
    return Page([*records, *invalid], None, at)


def plan(*, include_sensitive_fields: bool = False) -> Plan:
    return replace(plan_of(HOME), include_sensitive_fields=include_sensitive_fields)


def shard(*pages: Page[NodeRecord], include_sensitive_fields: bool = False) -> Columns:
    return NODES.listed(ORIGIN, plan(include_sensitive_fields=include_sensitive_fields), pages).columns


def part(nodes: Columns, settled: dict[str, Outcome], *, include_sensitive_fields: bool = False) -> Columns:
    answers = {instance_id: [outcome] for instance_id, outcome in settled.items()}
    return PATCH_STATES.part(ORIGIN, plan(include_sensitive_fields=include_sensitive_fields), nodes, answers)


def outcomes(asked: Sequence[str], pages: Iterable[Page[NodeRecord]]) -> dict[str, Outcome]:
    settled = PATCH_STATES.settle(asked, pages)
    assert {len(found) for found in settled.values()} <= {1}
    return {instance_id: found[0] for instance_id, found in settled.items()}


def part_of(state: NodeRecord, *, include_sensitive_fields: bool = False) -> Columns:
    """Return the part of one node with this state."""
    settled = {state.instance_id: Outcome(COLLECTED, None, 1, state)}
    return part(shard(page(node_information(1))), settled, include_sensitive_fields=include_sensitive_fields)


# A shard


@given(pages=st.lists(st.lists(NUMBERS)))
def test_a_shard_has_every_node_once_sorted_by_id(pages: list[list[int]]) -> None:
    columns = shard(*(page(*(node_information(number) for number in numbers)) for numbers in pages))

    assert columns["instance_id"] == sorted({node_id(number) for numbers in pages for number in numbers})
    assert tuple(columns) == SHARD.column_names
    assert {len(values) for values in columns.values()} == {len(columns["instance_id"])}


def test_the_last_description_of_a_node_counts() -> None:
    columns = shard(page(node_information(1, Name="before")), page(node_information(1, Name="after")))

    assert columns["name"] == ["after"]


def test_the_last_description_of_a_node_counts_whether_or_not_it_keeps_the_rules() -> None:
    good = node_information(1)
    bad = InvalidRow(good.instance_id, "PingStatus: bad", replace(good, ping_status=None))

    def reasons(*rows: NodeRecord | InvalidRow) -> list[object]:
        return shard(Page(rows, None, 1))["invalid_reason"]

    assert reasons(bad, good) == [None]
    assert reasons(good, bad) == ["PingStatus: bad"]


def test_a_text_that_nodes_have_in_common_is_held_once() -> None:
    texts = [b"Amazon Linux".decode() for _ in range(2)]
    columns = shard(*(page(node_information(n, PlatformName=text)) for n, text in enumerate(texts)))

    first, second = columns["platform_name"]
    assert (first, second) == ("Amazon Linux", "Amazon Linux")
    assert first is second
    assert texts[0] is not texts[1]


def test_times_of_a_node_are_whole_milliseconds() -> None:
    columns = shard(page(node_information(1, LastPingDateTime=1_793_509_200.1239, RegistrationDate=-62_135_596_800)))

    assert columns["last_ping_date_time"] == [1_793_509_200_124]
    assert columns["registration_date"] == [-62_135_596_800_000]


def test_a_node_whose_description_breaks_a_rule_is_listed_with_the_reason_and_its_other_attributes() -> None:
    bad = InvalidRow(node_id(1), "LastPingDateTime: garbage", node_information(1, LastPingDateTime=None))

    columns = shard(page(node_information(2), invalid=[bad]))

    assert columns["instance_id"] == [node_id(1), node_id(2)]
    assert columns["invalid_reason"] == ["LastPingDateTime: garbage", None]
    assert columns["ping_status"] == ["Online", "Online"]
    assert columns["last_ping_date_time"][0] is None


@given(rows=st.lists(st.lists(st.booleans())))
def test_rows_that_name_no_node_are_counted_and_cost_no_other_row(rows: list[list[bool]]) -> None:
    pages = [
        page(
            *(node_information(number) for number, is_named in enumerate(named) if is_named),
            invalid=[InvalidRow(None, "InstanceId: it is absent") for is_named in named if not is_named],
        )
        for named in rows
    ]

    listed = NODES.listed(ORIGIN, plan(), pages)

    assert listed.without_id == sum(named.count(False) for named in rows)
    ids = {node_id(number) for named in rows for number, is_named in enumerate(named) if is_named}
    assert listed.columns["instance_id"] == sorted(ids)


def test_the_address_of_a_node_is_kept_only_where_sensitive_fields_are() -> None:
    nodes = page(node_information(1, IPAddress="192.0.2.1"))

    assert shard(nodes)["ip_address"] == [None]
    assert shard(nodes, include_sensitive_fields=True)["ip_address"] == ["192.0.2.1"]


# Its batches


@given(count=st.integers(0, 40), batch_size=st.integers(1, 12))
def test_batches_are_full_but_for_the_last_and_together_they_are_the_shard(count: int, batch_size: int) -> None:
    columns: Columns = {"instance_id": [node_id(n) for n in range(count)], "name": list(range(count))}

    cut = list(ListedRows(columns, None).groups(batch_size))

    sizes = [len(batch["instance_id"]) for batch in cut]
    assert sizes[:-1] == [batch_size] * (len(cut) - 1)
    assert all(1 <= size <= batch_size for size in sizes)
    assert {name: [value for batch in cut for value in batch[name]] for name in columns} == columns


# The outcome of each id of one call


@given(
    asked=st.lists(NUMBERS, unique=True),
    answered=st.lists(st.lists(st.tuples(NUMBERS, st.integers(0, 1)))),
    invalid=st.lists(st.none() | NUMBERS),
)
def test_every_id_that_was_asked_for_has_exactly_one_outcome_and_no_other_has_any(
    asked: list[int], answered: list[list[tuple[int, int]]], invalid: list[int | None]
) -> None:
    pages = [page(*(patch_state(number, MissingCount=count) for number, count in rows)) for rows in answered]
    bad = [InvalidRow(None if number is None else node_id(number), "bad") for number in invalid]

    settled = outcomes([node_id(number) for number in asked], [*pages, page(invalid=bad)])

    assert list(settled) == [node_id(number) for number in asked]
    for instance_id, outcome in settled.items():
        assert (outcome.record is not None) == (outcome.status is COLLECTED)
        assert not isinstance(outcome.record, NodeRecord) or outcome.record.instance_id == instance_id
        assert (outcome.detail is not None) == (outcome.status is INVALID_RESPONSE)


def test_a_node_that_ssm_answers_for_is_collected_at_the_time_of_its_page() -> None:
    settled = outcomes([node_id(1), node_id(2)], [page(patch_state(1), at=10), page(patch_state(2), at=20)])

    assert settled[node_id(1)] == Outcome(COLLECTED, None, 10, patch_state(1))
    assert settled[node_id(2)] == Outcome(COLLECTED, None, 20, patch_state(2))


def test_a_node_that_ssm_leaves_out_has_no_patch_state_as_of_the_last_page() -> None:
    settled = outcomes([node_id(1), node_id(2)], [page(patch_state(1), at=10), page(at=20)])

    assert settled[node_id(2)] == Outcome(NO_PATCH_STATE, None, 20)


def test_rows_about_nodes_that_were_not_asked_for_are_dropped() -> None:
    other = InvalidRow(node_id(8), "bad")

    assert outcomes([node_id(1)], [page(patch_state(1), patch_state(9), invalid=[other])]).keys() == {node_id(1)}


@pytest.mark.parametrize(
    "answered",
    [page(patch_state(1), patch_state(9), at=10), page(patch_state(1), invalid=[InvalidRow(node_id(9), "bad")], at=10)],
)
def test_a_node_that_an_answer_about_another_node_leaves_out_is_invalid(answered: Page[NodeRecord]) -> None:
    settled = outcomes([node_id(1), node_id(2)], [answered])

    assert settled[node_id(1)].status is COLLECTED
    assert settled[node_id(2)] == Outcome(
        INVALID_RESPONSE, "the answer has a row about a node that was not asked for", 10
    )


def test_a_node_that_comes_twice_alike_is_collected() -> None:
    settled = outcomes([node_id(1)], [page(patch_state(1), at=10), page(patch_state(1), at=20)])

    assert settled[node_id(1)] == Outcome(COLLECTED, None, 10, patch_state(1))


@pytest.mark.parametrize("third", [0, 1, 2])
def test_a_node_that_comes_with_different_values_is_invalid_whatever_comes_after(third: int) -> None:
    rows = [patch_state(1, MissingCount=count) for count in (0, 1, third)]

    settled = outcomes([node_id(1)], [page(*rows, at=10)])

    assert settled[node_id(1)] == Outcome(INVALID_RESPONSE, "the node occurs twice, with different values", 10)


def test_a_value_that_breaks_a_rule_is_named_and_its_node_is_collected() -> None:
    state = patch_state(1, MissingCount=3, NotApplicableCount=None)
    bad = page(invalid=[InvalidRow(node_id(1), "NotApplicableCount: expected `int` <= 2147483647", state)], at=10)

    settled = outcomes([node_id(1)], [bad])

    assert settled[node_id(1)] == Outcome(COLLECTED, "NotApplicableCount: expected `int` <= 2147483647", 10, state)


def test_a_row_of_which_nothing_can_be_read_makes_its_node_invalid() -> None:
    settled = outcomes([node_id(1)], [page(invalid=[InvalidRow(node_id(1), "PatchGroup: it is absent")], at=10)])

    assert settled[node_id(1)] == Outcome(INVALID_RESPONSE, "PatchGroup: it is absent", 10)


@pytest.mark.parametrize("record", [None, patch_state(1, MissingCount=None)])
@pytest.mark.parametrize("valid_first", [True, False])
def test_a_node_that_comes_with_a_broken_row_and_a_whole_one_is_invalid_and_no_other(
    record: NodeRecord | None, *, valid_first: bool
) -> None:
    bad = page(invalid=[InvalidRow(node_id(1), "MissingCount: -1", record)])
    pages = [page(patch_state(1), patch_state(2)), bad]

    settled = outcomes([node_id(1), node_id(2)], pages if valid_first else pages[::-1])

    assert settled[node_id(1)].status is INVALID_RESPONSE
    assert settled[node_id(2)].status is COLLECTED


@pytest.mark.parametrize("unusable", [None, "i-123"])
def test_where_a_row_has_no_usable_id_no_node_is_said_to_have_no_state(unusable: str | None) -> None:
    bad = InvalidRow(unusable, "no id", patch_state(2))

    settled = outcomes([node_id(1), node_id(2)], [page(patch_state(1), invalid=[bad], at=10)])

    assert settled[node_id(1)].status is COLLECTED
    assert settled[node_id(2)] == Outcome(INVALID_RESPONSE, "a row of the answer has no usable id: no id", 10)


# A part


def test_a_part_has_every_column_of_the_snapshot_one_row_per_node_in_the_order_of_the_shard() -> None:
    nodes = shard(page(*(node_information(n, Name=f"node {n}") for n in (3, 1, 2))))
    settled = {
        node_id(1): Outcome(COLLECTED, None, 10, patch_state(1, MissingCount=4)),
        node_id(2): Outcome(NO_PATCH_STATE, None, 20),
        node_id(3): Outcome(NOT_COLLECTED, "AccessDeniedException"),
    }

    columns = part(nodes, settled)

    assert tuple(columns) == PATCH_STATES.table.column_names
    assert columns["run_id"] == [RUN_ID] * 3
    assert columns["run_at"] == [1_793_512_800_000] * 3
    assert columns["account_id"] == ["111122223333"] * 3
    assert columns["region"] == ["eu-central-1"] * 3
    assert columns["instance_id"] == [node_id(1), node_id(2), node_id(3)]
    assert columns["name"] == ["node 1", "node 2", "node 3"]
    assert columns["collection_status"] == ["COLLECTED", "NO_PATCH_STATE", "NOT_COLLECTED"]
    assert columns["collection_detail"] == [None, None, "AccessDeniedException"]
    assert columns["collected_at"] == [10, 20, None]
    assert columns["missing_count"] == [4, None, None]


def test_a_node_that_was_not_collected_has_no_value_of_any_state() -> None:
    columns = part(shard(page(node_information(1))), {node_id(1): Outcome(NOT_COLLECTED, "gone")})

    assert [columns[column.name] for column in PATCH_STATE_COLUMNS] == [[None]] * len(PATCH_STATE_COLUMNS)


def test_a_count_that_is_absent_is_null_and_not_zero() -> None:
    columns = part_of(patch_state(1, MissingCount=None, FailedCount=0))

    assert (columns["missing_count"], columns["failed_count"]) == ([None], [0])


def test_a_node_whose_id_has_an_unknown_form_is_an_invalid_response_and_is_never_asked_about() -> None:
    record = node_information(1, Name="web")
    nodes = shard(page(invalid=[InvalidRow("eks_c:web_0123456789abcdef0", "InstanceId: a form", record)]))

    columns = part(nodes, {})

    assert PATCH_STATES.asks_about(nodes) == []
    assert columns["instance_id"] == ["eks_c:web_0123456789abcdef0"]
    assert columns["collection_status"] == ["INVALID_RESPONSE"]
    assert columns["collection_detail"] == ["InstanceId: a form"]
    assert columns["collected_at"] == [None]
    assert columns["name"] == ["web"]


@pytest.mark.parametrize(
    ("outcome", "detail"),
    [
        (Outcome(COLLECTED, None, 1, patch_state(1)), "IPAddress: a list"),
        (Outcome(COLLECTED, "FailedCount: -1", 1, patch_state(1)), "IPAddress: a list; FailedCount: -1"),
        (Outcome(NO_PATCH_STATE, None, 1), "IPAddress: a list"),
        (Outcome(NOT_COLLECTED, "AccessDeniedException"), "AccessDeniedException"),
        (Outcome(INVALID_RESPONSE, "the node came twice", 1), "the node came twice"),
    ],
)
def test_a_node_whose_description_breaks_a_rule_is_asked_about_and_its_row_names_the_member(
    outcome: Outcome, detail: str
) -> None:
    bad = InvalidRow(node_id(1), "IPAddress: a list", node_information(1, Name="web"))
    nodes = shard(page(invalid=[bad]))

    columns = part(nodes, {node_id(1): outcome})

    assert PATCH_STATES.asks_about(nodes) == [node_id(1)]
    assert columns["collection_status"] == [outcome.status]
    assert columns["collection_detail"] == [detail]
    assert columns["name"] == ["web"]


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(0, 0), (1_793_509_200.1239, 1_793_509_200_124), (-1, -1000), (-62_135_596_800, -62_135_596_800_000)],
)
def test_times_of_a_state_are_whole_milliseconds(seconds: float, milliseconds: int) -> None:
    assert part_of(patch_state(1, OperationEndTime=seconds))["operation_end_time"] == [milliseconds]


def test_what_is_sensitive_is_null_unless_it_is_included() -> None:
    state = patch_state(1, OwnerInformation="the owner")

    assert part_of(state)["owner_information"] == [None]
    assert part_of(state, include_sensitive_fields=True)["owner_information"] == ["the owner"]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:secret@bucket.example/list.yaml?X-Amz-Signature=secret", "https://bucket.example/list.yaml"),
        ("s3://bucket/list.yaml", "s3://bucket/list.yaml"),
        (None, None),
    ],
)
def test_the_override_list_is_kept_without_its_credentials(url: str | None, kept: str | None) -> None:
    state = patch_state(1, InstallOverrideList=url)

    assert part_of(state)["install_override_list"] == [kept]
    assert part_of(state, include_sensitive_fields=True)["install_override_list"] == [url]


# The coverage


def test_the_coverage_of_a_listed_target_counts_its_rows_by_status() -> None:
    listing = ListingResult(ListingStatus.LISTED, None, 5, rows_without_id=2)

    row = coverage_row(TargetRead(ORIGIN, "production", listing, Counter(COLLECTED=2, NO_PATCH_STATE=1)), ())

    assert row.keys() == set(coverage_table(()).column_names)
    assert row == {
        "run_id": RUN_ID,
        "run_at": 1_793_512_800_000,
        "account_id": "111122223333",
        "account_name": "production",
        "region": "eu-central-1",
        "listing_status": "LISTED",
        "listing_detail": None,
        "listed_at": 5,
        "nodes_listed": 3,
        "nodes_collected": 2,
        "nodes_no_patch_state": 1,
        "nodes_not_collected": 0,
        "nodes_invalid_response": 0,
        "rows_without_id": 2,
    }


@pytest.mark.parametrize("status", [status for status in ListingStatus if status is not ListingStatus.LISTED])
def test_the_counts_of_a_target_that_was_not_listed_are_unknown_and_not_zero(status: ListingStatus) -> None:
    row = coverage_row(TargetRead(ORIGIN, None, ListingResult(status, "because")), ())

    assert {value for name, value in row.items() if name.startswith(("nodes_", "rows_"))} == {None}
    assert (row["listing_status"], row["listing_detail"]) == (status, "because")


@pytest.mark.parametrize(
    ("listings", "statuses", "rows_without_id", "complete"),
    [
        (["LISTED"], {}, 0, True),
        (["LISTED", "ACCOUNT_NOT_ACTIVE"], {"COLLECTED": 5, "NO_PATCH_STATE": 2}, 0, True),
        ([], {}, 0, False),
        (["ACCOUNT_NOT_ACTIVE"], {}, 0, False),
        (["LISTED", "NOT_LISTED"], {"COLLECTED": 5}, 0, False),
        (["ROLE_NOT_ASSUMABLE"], {}, 0, False),
        (["ACCESS_DENIED"], {}, 0, False),
        (["REGION_DISABLED"], {}, 0, False),
        (["LISTED"], {"COLLECTED": 5, "NOT_COLLECTED": 1}, 0, False),
        (["LISTED"], {"COLLECTED": 5, "INVALID_RESPONSE": 1}, 0, False),
        (["LISTED"], {"COLLECTED": 5}, 1, False),
    ],
)
def test_a_run_is_complete_when_it_read_something_and_nothing_in_it_is_unknown(
    listings: list[str], statuses: dict[str, int], rows_without_id: int, *, complete: bool
) -> None:
    assert is_complete(map(ListingStatus, listings), statuses, rows_without_id) is complete


def test_every_column_of_a_node_comes_through_a_shard_into_the_part() -> None:
    nodes = shard(page(node_information(1)))
    filled: Columns = {name: [f"value of {name}"] for name in nodes}
    filled |= {"instance_id": [node_id(1)], "invalid_reason": [None]}

    columns = part(filled, {node_id(1): Outcome(NO_PATCH_STATE, None, 1)})

    assert {c.name: columns[c.name] for c in NODE_COLUMNS} == {c.name: filled[c.name] for c in NODE_COLUMNS}
