"""The records of SSM's answers: one field per column, and the rules for every value."""

from contextlib import suppress
from datetime import datetime, timedelta
from math import inf, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.core.records import Record
from patchlake.core.rows import record_values
from patchlake.core.tables import Column
from patchlake.sources.nodes import NODE_COLUMNS, NodeInformation
from patchlake.sources.patch_states import PATCH_STATE_COLUMNS, PatchState
from tests.ssm_model import shape
from tests.world import node_id

NODE = {"InstanceId": node_id(1)}
STATE = {
    **NODE,
    "PatchGroup": "web",
    "BaselineId": "pb-1",
    "OperationStartTime": 1_793_509_200.0,
    "OperationEndTime": 1_793_509_260.5,
    "Operation": "Scan",
}


OPERATION_END = [column for column in PATCH_STATE_COLUMNS if column.name == "operation_end_time"]


def state_of(**members: object) -> Any:  # noqa: ANN401  # its fields are made from the tables
    return msgspec.convert(STATE | members, type=PatchState)


@pytest.mark.parametrize(
    ("record", "columns"), [(NodeInformation, NODE_COLUMNS), (PatchState, PATCH_STATE_COLUMNS)], ids=["node", "state"]
)
def test_a_record_has_a_field_for_each_column_named_on_the_wire_as_its_member(
    record: type[Record], columns: tuple[Column, ...]
) -> None:
    fields = msgspec.structs.fields(record)

    assert {(field.name, field.encode_name) for field in fields} == {
        ("instance_id", "InstanceId"),
        *((column.name, column.member) for column in columns),
    }


def test_an_id_has_the_form_that_the_model_gives_it() -> None:
    assert shape("InstanceId")["pattern"] == r"(^i-(\w{8}|\w{17})$)|(^mi-\w{17}$)"


@pytest.mark.parametrize("id_", ["i-1234abcd", "i-0123456789abcdef0", "mi-0123456789abcdef0", "i-ABCDEFGH"])
def test_ids_of_nodes_of_every_kind_are_accepted(id_: str) -> None:
    assert state_of(InstanceId=id_).instance_id == id_


@pytest.mark.parametrize(
    "id_",
    [
        "",
        "i-",
        "i-123",
        "i-123456789",
        "mi-12345678",
        "I-12345678",
        "i-12345678\n",
        "i-1234567é",
        "i-12/../xx",
        None,
        7,
    ],
)
def test_what_is_not_an_id_is_refused(id_: object) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"InstanceId"):
        state_of(InstanceId=id_)


@pytest.mark.parametrize("name", sorted(STATE))
def test_a_patch_state_without_what_the_api_requires_is_refused(name: str) -> None:
    for members in ({key: value for key, value in STATE.items() if key != name}, {**STATE, name: None}):
        with pytest.raises(msgspec.ValidationError, match=name):
            msgspec.convert(members, type=PatchState)


def test_a_node_needs_nothing_but_its_id() -> None:
    node = msgspec.convert(NODE, type=NodeInformation)

    assert [getattr(node, column.name) for column in NODE_COLUMNS] == [None] * len(NODE_COLUMNS)


@pytest.mark.parametrize("count", [0, 1, 2**31 - 1, None])
def test_counts_from_zero_to_the_largest_int32_are_accepted(count: int | None) -> None:
    assert state_of(MissingCount=count).missing_count == count


@pytest.mark.parametrize("count", [-1, 2**31, 2**63, 1.5, "1", True, [1], {}])
def test_other_counts_are_refused(count: object) -> None:
    with pytest.raises(msgspec.ValidationError, match="MissingCount"):
        state_of(MissingCount=count)


@pytest.mark.parametrize("seconds", [-62_135_596_800, -1, 0, 1.5, 253_402_300_799.999, 253_402_300_799.9994])
def test_times_from_year_1_to_year_9999_are_accepted(seconds: float) -> None:
    assert state_of(OperationEndTime=seconds).operation_end_time == seconds


@pytest.mark.parametrize(
    "seconds",
    [
        -62_135_596_801,
        -62_135_596_800.0001,
        253_402_300_799.9995,
        253_402_300_799.9999,
        253_402_300_800,
        1e300,
        inf,
        -inf,
        nan,
        "2026-11-01",
        True,
        [0],
    ],
)
def test_other_times_are_refused(seconds: object) -> None:
    with pytest.raises(msgspec.ValidationError, match="OperationEndTime"):
        state_of(OperationEndTime=seconds)


@given(seconds=st.floats(-62_135_596_801, 253_402_300_801) | st.floats(253_402_300_799, 253_402_300_801))
def test_a_time_that_is_accepted_is_one_of_the_calendar_also_in_milliseconds(seconds: float) -> None:
    with suppress(msgspec.ValidationError):
        [stored] = record_values(OPERATION_END, [state_of(OperationEndTime=seconds)], include_sensitive_fields=False)[
            "operation_end_time"
        ]

        assert datetime.min <= datetime(1970, 1, 1) + timedelta(milliseconds=stored) <= datetime.max  # noqa: DTZ001, DTZ901


@pytest.mark.parametrize("group", ["", "x" * 300, "\x00\x1b[31m", "<script>", "=cmd()", "\u202egnp", "日本"])
def test_any_text_is_taken_as_it_comes(group: str) -> None:
    assert state_of(PatchGroup=group).patch_group == group


def test_values_that_the_enumerations_do_not_know_are_taken_as_they_come() -> None:
    assert state_of(Operation="Rollback", RebootOption="Perhaps").operation == "Rollback"


def test_unknown_members_are_ignored() -> None:
    assert state_of(NewInTenYears={"a": [1]}) == state_of()
