"""patches: the nodes to ask about, the question, and the outcome of each answer."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.adapters.page_decoding import PageDecoder
from patchlake.core.records import Page
from patchlake.core.rows import Outcome, record_values
from patchlake.core.tables import Columns
from patchlake.sources.patches import AVAILABLE_COUNT, DECIDING_COUNTS, PATCH_COLUMNS, PATCHES, STATES
from tests.ssm_model import shape
from tests.target_apis import plan_of

NODE = "i-0123456789abcdef0"
PLAN = plan_of("111122223333")
AT = 1_795_413_607_000
CLEAN = dict.fromkeys(DECIDING_COUNTS, 0) | {AVAILABLE_COUNT: 0}
DECODER = PageDecoder(PATCHES.operation)


def states(*rows: dict[str, Any]) -> Columns:
    """Return rows of patch states, of nodes that lack nothing unless a row says otherwise."""
    full = [
        {"instance_id": f"i-{number:017x}", "collection_status": "COLLECTED"} | CLEAN | row
        for number, row in enumerate(rows)
    ]
    return {name: [row[name] for row in full] for name in ("instance_id", *PATCHES.parent_columns)}


def is_asked(**row: object) -> bool:
    return bool(PATCHES.asks_about(states(row)))


def patch(number: int = 0, **members: object) -> dict[str, object]:
    """Return a missing patch as SSM sends it."""
    return {
        "Title": f"2026-10 Cumulative Update (KB50{number:05d})",
        "KBId": f"KB50{number:05d}",
        "Classification": "SecurityUpdates",
        "Severity": "Critical",
        "State": "Missing",
        "InstalledTime": 0.0,
        **members,
    }


def page(*rows: object, at: int = AT) -> Page[Any]:
    return DECODER.page(json.dumps({"Patches": rows}).encode(), at)


def settled(*pages: Page[Any]) -> Sequence[Outcome]:
    (outcomes,) = PATCHES.settle([NODE], pages).values()
    return outcomes


def test_white_space_around_an_id_makes_no_other_patch() -> None:
    outcomes = settled(page(patch(), patch(KBId=" KB5000000\n", State="Failed")))

    patches: list[Any] = [each.record for each in outcomes]

    assert [(each.kb_id, each.state) for each in patches] == [("KB5000000", "Failed")]


def rows_of(*pages: Page[Any]) -> Columns:
    return record_values(PATCH_COLUMNS, [o.record for o in settled(*pages)], include_sensitive_fields=False)


# The nodes that are asked about


def test_a_node_that_lacks_nothing_is_not_asked_about() -> None:
    assert not is_asked()


@pytest.mark.parametrize("count", DECIDING_COUNTS)
@pytest.mark.parametrize("value", [1, 2**31 - 1, None])
def test_a_node_with_a_count_that_decides_against_it_or_is_unknown_is_asked_about(
    count: str, value: int | None
) -> None:
    assert is_asked(**{count: value})


@pytest.mark.parametrize(("available", "asked"), [(0, False), (None, False), (1, True)])
def test_only_a_known_security_update_that_awaits_approval_is_a_reason_to_ask(
    available: int | None, *, asked: bool
) -> None:
    assert is_asked(available_security_update_count=available) is asked


@pytest.mark.parametrize("status", ["NO_PATCH_STATE", "NOT_COLLECTED", "INVALID_RESPONSE"])
def test_a_node_without_a_collected_state_is_not_asked_about(status: str) -> None:
    assert not is_asked(collection_status=status, **dict.fromkeys(DECIDING_COUNTS))


@given(
    st.lists(
        st.fixed_dictionaries({name: st.none() | st.integers(0, 2) for name in (*DECIDING_COUNTS, AVAILABLE_COUNT)})
    )
)
def test_the_ids_are_those_of_the_rows_in_their_order(rows: list[dict[str, Any]]) -> None:
    alone = [is_asked(**row) for row in rows]

    found = PATCHES.asks_about(states(*rows))

    assert found == [f"i-{number:017x}" for number, asked in enumerate(alone) if asked]


# The question


def test_one_call_asks_about_one_node_and_every_state() -> None:
    assert PATCHES.operation.request([NODE], PLAN) == {
        "InstanceId": NODE,
        "Filters": [
            {
                "Key": "State",
                "Values": [
                    "Missing",
                    "Failed",
                    "InstalledPendingReboot",
                    "InstalledRejected",
                    "AvailableSecurityUpdate",
                ],
            }
        ],
    }


def test_the_narrower_calls_ask_for_each_state_once() -> None:
    calls = PATCHES.operation.narrower([NODE], PLAN)

    assert [call["InstanceId"] for call in calls] == [NODE] * 5
    assert [call["Filters"] for call in calls] == [[{"Key": "State", "Values": [state]}] for state in STATES]


def test_the_states_are_those_of_the_api_in_the_spelling_of_its_answers() -> None:
    in_model = {name.replace("_", "").lower() for name in shape("PatchComplianceDataState")["enum"]}
    not_asked = {"installed", "installedother", "notapplicable"}

    assert {state.lower() for state in STATES} == in_model - not_asked
    assert all(state[0].isupper() and "_" not in state and not state.isupper() for state in STATES)


# The outcome


def test_each_patch_is_a_row_with_the_time_of_its_page() -> None:
    outcomes = settled(page(patch(1), patch(2)), page(patch(3), at=AT + 1000))

    assert [(o.status, o.detail, o.collected_at_ms) for o in outcomes] == [
        ("COLLECTED", None, AT),
        ("COLLECTED", None, AT),
        ("COLLECTED", None, AT + 1000),
    ]


@given(st.permutations(range(6)), st.integers(0, 6))
def test_the_rows_do_not_depend_on_the_order_of_the_answer_or_on_its_pages(order: list[int], cut: int) -> None:
    rows = [patch(number) for number in order]

    assert rows_of(page(*rows[:cut]), page(*rows[cut:])) == rows_of(page(*map(patch, range(6))))


def test_a_patch_that_comes_twice_is_one_row_the_last() -> None:
    moved = patch(1, State="InstalledPendingReboot", InstalledTime=1795413600.5)

    rows = rows_of(page(patch(1), patch(2), patch(1)), page(moved))

    assert rows["kb_id"] == ["KB5000001", "KB5000002"]
    assert rows["state"] == ["InstalledPendingReboot", "Missing"]


@pytest.mark.parametrize("state", [["Missing"], None], ids=["a bad value", "an absent one"])
@pytest.mark.parametrize("pages", [1, 2])
def test_the_last_row_about_a_patch_counts_whether_or_not_it_keeps_the_rules(state: object, pages: int) -> None:
    good, bad = patch(1), patch(1, State=state)

    def last_of(*rows: object) -> Outcome:
        (outcome,) = settled(page(*rows)) if pages == 1 else settled(*map(page, rows))
        return outcome

    assert last_of(bad, good) == last_of(good)
    assert last_of(good, bad) == last_of(bad)
    assert last_of(bad).detail is not None


def test_patches_with_neither_an_id_nor_a_title_are_different_patches() -> None:
    rows = rows_of(page(patch(KBId="", Title="", CVEIds="CVE-2026-1001"), patch(KBId="", Title=" ", Severity="Low")))

    assert rows["cve_ids"] == ["CVE-2026-1001", None]


def test_patches_that_share_an_id_or_a_title_are_different_patches() -> None:
    rows = [patch(KBId="kernel", Title="kernel-1"), patch(KBId="kernel", Title="kernel-2"), patch(KBId="", Title="")]

    assert rows_of(page(*rows, patch(KBId="kernel-core", Title="kernel-2")))["title"] == [
        *("", "kernel-1", "kernel-2", "kernel-2")
    ]


@pytest.mark.parametrize("pages", [[page()], [page(), page()]], ids=["a page", "two pages"])
def test_a_node_without_a_patch_has_one_row_that_says_so(pages: list[Page[Any]]) -> None:
    assert settled(*pages) == [Outcome("NO_PATCHES", None, AT)]


@pytest.mark.parametrize("row", [5, None, [], {}, {"Titel": "x"}, {"Title": ["x"]}], ids=str)
def test_a_row_of_which_nothing_can_be_read_makes_the_node_one_row_without_patches(row: object) -> None:
    (outcome,) = settled(page(patch(1), row), page(patch(2)))

    assert (outcome.status, outcome.record, outcome.collected_at_ms) == ("INVALID_RESPONSE", None, AT)
    assert outcome.detail


REQUIRED = ("Title", "KBId", "Classification", "Severity", "State", "InstalledTime")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *((member, value) for member in (*REQUIRED, "CVEIds") for value in (["x"], True, "\ud800")),
        *((member, None) for member in REQUIRED),
        *(("KBId", blank) for blank in ("", " ", "\n")),
    ],
    ids=repr,
)
def test_a_bad_value_of_a_patch_is_null_and_named_and_costs_no_other_value(member: str, value: object) -> None:
    row = patch(2, CVEIds="CVE-2026-1", InstalledTime=1795413600.0)
    (name,) = [column.name for column in PATCH_COLUMNS if column.member == member]
    pages = [page(patch(1)), page(row | {member: value}), page(patch(3))]

    (bad,) = [outcome for outcome in settled(*pages) if outcome.detail is not None]
    found = rows_of(*pages)

    assert (bad.status, (bad.detail or "").partition(":")[0]) == ("COLLECTED", member)
    assert [values[settled(*pages).index(bad)] is None for values in found.values()] == [
        column == name for column in found
    ]
    assert [len(values) for values in found.values()] == [3] * len(found)


@pytest.mark.parametrize("members", [{"KBId": None}, {"Title": 5}, {"KBId": [], "Title": {}}], ids=str)
def test_each_row_without_both_id_and_title_is_a_patch_of_its_own(members: dict[str, object]) -> None:
    unnamed = patch(1, **members)

    outcomes = settled(page(unnamed, patch(1), unnamed), page(unnamed, patch(1)))

    assert len(outcomes) == 4
    assert [outcome.detail is None for outcome in outcomes].count(True) == 1


def test_the_last_row_of_a_patch_counts_if_a_value_of_it_is_bad_too() -> None:
    (outcome,) = settled(page(patch(1)), page(patch(1, State=7)))
    (again,) = settled(page(patch(1, State=7)), page(patch(1)))

    assert (outcome.record and outcome.record.state, outcome.detail) == (None, "State: expected `str`, got `int`")  # type: ignore[attr-defined]
    assert (again.record and again.record.state, again.detail) == ("Missing", None)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (0, None),
        (0.0, None),
        (-0.0, None),
        (0.0004, None),
        (1795413600.123, 1_795_413_600_123),
        (-62_135_596_800.0, -62_135_596_800_000),
    ],
)
def test_zero_is_no_time_of_installation(sent: float, stored: int | None) -> None:
    assert rows_of(page(patch(InstalledTime=sent)))["installed_time"] == [stored]


def test_empty_texts_and_unknown_states_are_kept_and_an_absent_member_is_null() -> None:
    row = patch(Title="", Severity="", Classification="", State="MISSING")

    rows = rows_of(page(row, patch(1, CVEIds="CVE-2026-1, CVE-2026-2"), patch(2, CVEIds="")))

    assert {name: values[0] for name, values in rows.items()} == {
        "title": "",
        "kb_id": "KB5000000",
        "classification": "",
        "severity": "",
        "state": "MISSING",
        "installed_time": None,
        "cve_ids": None,
    }
    assert rows["cve_ids"] == [None, "CVE-2026-1, CVE-2026-2", ""]
