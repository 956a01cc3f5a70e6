"""Raw bodies to pages: the SDK's own values, a bad value is lost alone, a broken body is never an empty page."""

import json
import math
from datetime import datetime
from functools import cache
from typing import Any

import botocore.parsers
import botocore.session
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.adapters.page_decoding import PageDecoder
from patchlake.core.records import Page
from patchlake.core.tables import INSTANCE_ID, Column, ColumnType
from patchlake.errors import BrokenAnswerError
from patchlake.sources.nodes import NODE_COLUMNS, NODES
from patchlake.sources.patch_states import PATCH_STATE_COLUMNS, PATCH_STATES
from patchlake.sources.patches import PATCH_COLUMNS, PATCHES

ANSWERED_AT = 1_795_413_607_000
ID = "i-0123456789abcdef0"
VALID = {
    "InstanceId": ID,
    "PatchGroup": "web",
    "BaselineId": "pb-0123456789abcdef0",
    "OperationStartTime": 1795413600.123,
    "OperationEndTime": 1795413601,
    "Operation": "Scan",
}
NODES_DECODER = PageDecoder(NODES.operation)
STATES_DECODER = PageDecoder(PATCH_STATES.operation)
OPERATIONS: dict[str, tuple[PageDecoder, str, tuple[Column, ...]]] = {
    "DescribeInstanceInformation": (NODES_DECODER, "InstanceInformationList", (INSTANCE_ID, *NODE_COLUMNS)),
    "DescribeInstancePatchStates": (STATES_DECODER, "InstancePatchStates", (INSTANCE_ID, *PATCH_STATE_COLUMNS)),
    "DescribeInstancePatches": (PageDecoder(PATCHES.operation), "Patches", PATCH_COLUMNS),
}


def page(rows: object, **members: object) -> Page[Any]:
    """Decode a page of patch states."""
    body = json.dumps({"InstancePatchStates": rows, **members}).encode()
    return STATES_DECODER.page(body, ANSWERED_AT)


def page_with(raw_member: bytes) -> Page[Any]:
    """Decode a page of two rows, the first of which has one more member, given as bytes."""
    row = json.dumps(VALID).encode()
    other = json.dumps(VALID | {"InstanceId": "mi-0123456789abcdef0"}).encode()
    body = b'{"InstancePatchStates":[' + row[:-1] + b"," + raw_member + b"}," + other + b"]}"
    return STATES_DECODER.page(body, ANSWERED_AT)


@cache
def botocore_shape(operation: str) -> Any:  # noqa: ANN401
    return botocore.session.Session().get_service_model("ssm").operation_model(operation).output_shape


def botocore_rows(operation: str, body: bytes) -> list[dict[str, Any]]:
    """Return the rows as plain botocore parses them."""
    parsed = botocore.parsers.create_parser("json").parse(
        {"status_code": 200, "headers": {}, "body": body}, botocore_shape(operation)
    )
    rows: list[dict[str, Any]] = parsed.get(OPERATIONS[operation][1], [])
    return rows


def at_milliseconds(value: object) -> object:
    """Turn both forms of a time, seconds and an aware datetime, into milliseconds."""
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return round(value * 1000) if isinstance(value, int | float) else value


def values_of(column: Column) -> st.SearchStrategy[Any]:
    """Draw the values that a column may have on the wire."""
    if column == INSTANCE_ID:
        return st.from_regex(r"\A(i-[0-9a-f]{8}|i-[0-9a-f]{17}|mi-[0-9a-f]{17})\Z")
    if column.member == "KBId":
        return st.text().filter(str.strip)
    milliseconds = st.integers(-62_135_596_800_000, 253_402_300_799_999)
    of_type: dict[ColumnType, st.SearchStrategy[Any]] = {
        ColumnType.STRING: st.text(),
        ColumnType.INT32: st.integers(0, 2**31 - 1),
        ColumnType.BOOLEAN: st.booleans(),
        ColumnType.TIMESTAMP: milliseconds.map(lambda ms: ms / 1000) | milliseconds.map(lambda ms: ms // 1000),
    }
    return of_type[column.type]


def rows_of(columns: tuple[Column, ...]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw rows: what is required, what may be absent or null, and unknown members."""
    required = {str(c.member): values_of(c) for c in columns if not c.nullable}
    optional = {str(c.member): st.none() | values_of(c) for c in columns if c.nullable}
    unknown = {"Invented": st.recursive(st.integers() | st.text(), st.lists)}
    return st.lists(st.fixed_dictionaries(required, optional=optional | unknown), max_size=5)


@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data(), ascii_only=st.booleans())
def test_every_value_is_the_one_that_the_sdk_reads(operation: str, data: st.DataObject, ascii_only: bool) -> None:  # noqa: FBT001
    decoder, member, columns = OPERATIONS[operation]
    body = json.dumps({member: data.draw(rows_of(columns))}, ensure_ascii=ascii_only).encode()

    found = decoder.page(body, ANSWERED_AT)

    assert found.invalid == []
    expected = botocore_rows(operation, body)
    assert len(found.records) == len(expected)
    for record, row in zip(found.records, expected, strict=True):
        for column in columns:
            ours, theirs = getattr(record, column.name), row.get(str(column.member))
            if column.type is ColumnType.TIMESTAMP:
                ours, theirs = at_milliseconds(ours), at_milliseconds(theirs)
            assert (type(ours), ours) == (type(theirs), theirs), column.name


@given(st.lists(st.sampled_from(["valid", "count", "time", "id"]), max_size=6))
def test_rows_that_keep_the_rules_are_the_same_beside_rows_that_do_not(kinds: list[str]) -> None:
    bad: dict[str, dict[str, object]] = {
        "valid": {},
        "count": {"MissingCount": -1},
        "time": {"OperationEndTime": "yesterday"},
        "id": {"InstanceId": "x"},
    }
    ids = [f"i-{number:08x}" for number in range(len(kinds))]
    rows = [VALID | {"InstanceId": i} | bad[kind] for i, kind in zip(ids, kinds, strict=True)]

    found = page(rows)

    valid = [VALID | {"InstanceId": i} for i, kind in zip(ids, kinds, strict=True) if kind == "valid"]
    assert found.records == page(valid).records
    expected = ["x" if kind == "id" else i for i, kind in zip(ids, kinds, strict=True) if kind != "valid"]
    assert [row.instance_id for row in found.invalid] == expected


@pytest.mark.parametrize("token", [None, ""])
def test_a_null_or_empty_token_is_the_end(token: str | None) -> None:
    assert page([VALID], NextToken=token).next_token is None


def test_an_absent_token_is_the_end() -> None:
    assert page([VALID]).next_token is None


def test_a_token_is_kept_beside_valid_and_invalid_rows_alike() -> None:
    assert [page([row], NextToken="t").next_token for row in (VALID, {})] == ["t", "t"]


def test_a_page_carries_the_time_of_its_answer() -> None:
    assert page([VALID]).answered_at_ms == ANSWERED_AT
    assert page([{}]).answered_at_ms == ANSWERED_AT


def test_an_empty_list_is_an_empty_page() -> None:
    found = STATES_DECODER.page(b'{"InstancePatchStates":[]}', ANSWERED_AT)

    assert (found.records, found.invalid, found.next_token) == ([], [], None)


CORAL = b"com.amazon.coral.service#UnknownOperationException"
OUTPUT = b'{"Output":{"__type":"' + CORAL + b'","message":null},"Version":"1.0"'


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"InstancePatchStates":null,"NextToken":null}',
        b'{"NextToken":"more"}',
        b'{"InstanceInformationList":[]}',
        b'{"Output":{"InstancePatchStates":[]}}',
        OUTPUT + b"}",
        OUTPUT + b',"InstancePatchStates":[]}',
        OUTPUT + b',"InstancePatchStates":[5]}',
        b'{"__type":"' + CORAL + b'"}',
        b'{"__type":"' + CORAL + b'","InstancePatchStates":[]}',
        b'{"__type":null,"InstancePatchStates":[]}',
        b'{"instancePatchStates":[]}',
        b'{"InstancePatchStates":[],"nextToken":"more"}',
        b'{"InstancePatchStates":[5],"NEXTTOKEN":"more"}',
        b'{"InstancePatchStates":[{}],"InstancepatchStates":[]}',
        b'{"InstancePatchStates":[],"__Type":"Throttled"}',
        b'{"InstancePatchStates":[],"Error":{"Code":"Throttled"}}',
        b'{"InstancePatchStates":[],"fault":{"faultstring":"Quota exceeded"}}',
        b'{"InstancePatchStates":[],"Exception":"Throttled"}',
        b'{"InstancePatchStates":[],"message":"Rate exceeded","code":"ThrottlingException"}',
    ],
)
def test_an_answer_without_its_list_or_with_an_error_in_it_is_broken_and_not_empty(body: bytes) -> None:
    with pytest.raises(BrokenAnswerError, match="the answer to DescribeInstancePatchStates") as caught:
        STATES_DECODER.page(body, ANSWERED_AT)

    assert (CORAL in body) == ("UnknownOperationException" in str(caught.value))


@pytest.mark.parametrize(
    "body",
    [
        b'{"InstancePatchStates":[{}],"InstancePatchStates":[]}',
        b'{"InstancePatchStates":[],"InstancePatchStates":[]}',
        b'{"InstancePatchStates":[],"NextToken":"a","NextToken":null}',
        b'{"InstancePatchStates":[],"NextToken":"a","NextToken":"b"}',
        b'{"InstancePatchStates":[],"Output":{"__type":"Throttled"},"Output":null}',
    ],
)
def test_an_answer_with_two_lists_or_two_tokens_is_broken_and_not_the_last_of_them(body: bytes) -> None:
    with pytest.raises(
        BrokenAnswerError, match="is not an object with a list InstancePatchStates and a NextToken of text"
    ):
        STATES_DECODER.page(body, ANSWERED_AT)


@pytest.mark.parametrize(
    ("body", "member"),
    [
        (b'{"InstancePatchStates":[],"nextToken":"more"}', "nextToken"),
        (b'{"InstancePatchStates":[{}],"InstancepatchStates":[]}', "InstancepatchStates"),
        (b'{"message":"Rate exceeded"}', "message"),
        (b'{"InstancePatchStates":[],"Error' + b"s" * 1_000 + b'":[]}', "Error" + "s" * 45 + "…"),
    ],
)
def test_an_answer_with_a_misleading_member_is_refused_by_its_name(body: bytes, member: str) -> None:
    expected = f"the answer to DescribeInstancePatchStates has the unexpected member {member}"

    with pytest.raises(BrokenAnswerError, match=f"^{expected}$"):
        STATES_DECODER.page(body, ANSWERED_AT)


def test_a_text_that_is_the_name_of_the_list_is_a_text() -> None:
    row = VALID | {"PatchGroup": "InstancePatchStates", "BaselineId": "NextToken"}

    found = page([row, row], NextToken="InstancePatchStates")

    assert [record.patch_group for record in found.records] == ["InstancePatchStates"] * 2
    assert (found.invalid, found.next_token) == ([], "InstancePatchStates")


def test_a_wrapper_without_an_error_beside_the_list_is_ignored() -> None:
    assert page([VALID], Output={"message": None}).invalid == []


@pytest.mark.parametrize("token", [b'"\xff"', b'"\\ud800"', b'["more"]', b"5"])
@pytest.mark.parametrize("rows", [b"[]", b"[5]"])
def test_a_token_that_is_no_text_of_unicode_is_broken_and_is_never_sent(rows: bytes, token: bytes) -> None:
    with pytest.raises(BrokenAnswerError, match=r"and a NextToken of text$"):
        STATES_DECODER.page(b'{"InstancePatchStates":' + rows + b',"NextToken":' + token + b"}", ANSWERED_AT)


# Python 3.13 counts the levels of a nesting, 3.14 measures the stack that they take.
DEEPLY_NESTED = b"[" * 200_000 + b"]" * 200_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"5",
        b'{"InstancePatchStates":{}}',
        b'{"InstancePatchStates":"x"}',
        b'{"InstancePatchStates":[],"NextToken":5}',
        b'{"InstancePatchStates":[]}{}',
        b'\xef\xbb\xbf{"InstancePatchStates":[]}',
        b"<html>Service Unavailable</html>",
        b'{"Invented":' + DEEPLY_NESTED + b"}",
        b'{"InstancePatchStates":[' + DEEPLY_NESTED,
        b'{"InstancePatchStates":[' + b"[" * 1_000_000,
        b'{"InstancePatchStates":[' + b"[" * 100_000 + b'"' + b'\\"' * 100_000,
    ],
    ids=lambda body: f"{body[:30].decode(errors='replace')} {len(body)}",
)
def test_a_body_that_is_no_answer_is_broken(body: bytes) -> None:
    with pytest.raises(BrokenAnswerError):
        STATES_DECODER.page(body, ANSWERED_AT)


@pytest.mark.parametrize("row", [VALID, VALID | {"MissingCount": -1}], ids=["valid", "invalid"])
def test_a_body_that_is_cut_short_is_broken_wherever_it_ends(row: dict[str, object]) -> None:
    body = json.dumps({"InstancePatchStates": [row], "NextToken": "t"}).encode()

    for length in range(len(body)):
        with pytest.raises(BrokenAnswerError):
            STATES_DECODER.page(body[:length], ANSWERED_AT)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("MissingCount", 0),
        ("MissingCount", 2**31 - 1),
        ("OperationEndTime", -62_135_596_800),
        ("OperationEndTime", 253_402_300_799.999),
        ("OperationEndTime", 1.7e9),
        ("OperationEndTime", 1795413600.1234567890123),
        ("PatchGroup", ""),
        ("PatchGroup", "\x00 \U0001f600"),
        ("Operation", "Invented"),
        ("MissingCount", None),
    ],
)
def test_values_at_the_edge_of_the_rules_are_taken(member: str, value: object) -> None:
    assert page([VALID | {member: value}]).invalid == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("MissingCount", -1),
        ("MissingCount", 2**31),
        ("MissingCount", 10**300),
        ("MissingCount", 7.0),
        ("MissingCount", 1e3),
        ("MissingCount", "7"),
        ("MissingCount", True),
        ("MissingCount", math.nan),
        ("MissingCount", math.inf),
        ("OperationEndTime", "2026-11-23T06:00:00Z"),
        ("OperationEndTime", -62_135_596_801),
        ("OperationEndTime", 253_402_300_800),
        ("OperationEndTime", math.nan),
        ("OperationEndTime", None),
        ("Operation", None),
        ("PatchGroup", 5),
        ("SnapshotId", ["x"]),
        ("SnapshotId", "\ud800"),
    ],
)
def test_a_value_that_breaks_a_rule_is_lost_alone_and_its_member_is_named(member: str, value: object) -> None:
    other = VALID | {"InstanceId": "mi-0123456789abcdef0"}
    row = VALID | {"MissingCount": 3, "SnapshotId": "s"}

    found = page([row | {member: value}, other])

    assert [record.instance_id for record in found.records] == ["mi-0123456789abcdef0"]
    [bad] = found.invalid
    assert bad.instance_id == ID
    assert bad.reason.startswith(f"{member}: ")
    [whole] = page([row]).records
    [field] = [field.name for field in msgspec.structs.fields(whole) if field.encode_name == member]
    assert bad.record == msgspec.structs.replace(whole, **{field: None})


BAD_BYTES = {
    "SnapshotId": [b'"\xff"', b'"\xed\xa0\x80"', DEEPLY_NESTED],
    "MissingCount": [b"1e400", b"1" + b"0" * 5_000, b"-" + b"1" * 5_000, DEEPLY_NESTED, b"[" * 200 + b"]" * 200],
    "OperationEndTime": [b"1" * 5_000, b"1" * 5_000 + b".5"],
}


@pytest.mark.parametrize(
    ("member", "raw"),
    [(member, raw) for member, values in BAD_BYTES.items() for raw in values],
    ids=lambda value: value if isinstance(value, str) else f"{value[:8].decode(errors='replace')} {len(value)}",
)
def test_bytes_that_are_no_text_and_numbers_that_are_none_are_lost_alone(member: str, raw: bytes) -> None:
    found = page_with(f'"{member}":'.encode() + raw)

    assert [row.instance_id for row in found.invalid] == [ID]
    assert [row.reason.partition(":")[0] for row in found.invalid] == [member]
    assert [row.record is None for row in found.invalid] == [False]
    assert [record.instance_id for record in found.records] == ["mi-0123456789abcdef0"]


@pytest.mark.parametrize("raw", [b'"\xff"', b'"\\ud800"', b"1" * 5_000, b"1e400", DEEPLY_NESTED])
def test_an_unknown_member_is_ignored_whatever_its_value(raw: bytes) -> None:
    found = page_with(b'"Invented":' + raw)

    assert found.invalid == []
    assert [record.instance_id for record in found.records] == [ID, "mi-0123456789abcdef0"]


def test_a_row_that_is_nested_too_deeply_is_a_row_without_an_id() -> None:
    found = page_with(b'"SnapshotId":"db"},' + DEEPLY_NESTED + b',{"InstanceId":5')

    assert [record.instance_id for record in found.records] == [ID, "mi-0123456789abcdef0"]
    assert [row.instance_id for row in found.invalid] == [None, None]


def test_texts_with_brackets_are_no_nesting() -> None:
    text = '[{"\\' * 200

    found = page_with(b'"Invented":' + DEEPLY_NESTED + b',"SnapshotId":' + json.dumps(text).encode())

    assert found.records[0].snapshot_id == text


@pytest.mark.parametrize("after", [b"", b',"Invented":{"a":1}', b',"RebootOption":"\\u0022\\u0022"'])
@pytest.mark.parametrize(
    ("member", "raw"),
    [
        ("MissingCount", b'"MissingCount":3,"MissingCount":0'),
        ("MissingCount", b'"MissingCount":0,"MissingCount":null'),
        ("MissingCount", b'"MissingCount":1,"MissingCount":true'),
        ("MissingCount", b'"MissingCount":3,"Missing\\u0043ount":0'),
        ("MissingCount", b'"MissingCount":3,"MissingCount":0,"MissingCount":0'),
        ("SnapshotId", b'"SnapshotId":"a","SnapshotId":"b"'),
        ("SnapshotId", b'"SnapshotId":"\\u0022","SnapshotId":""'),
        ("SnapshotId", b'"SnapshotId":{"a":1,"a":2},"SnapshotId":{}'),
        ("BaselineId", b'"BaselineId":"pb-2"'),
    ],
)
def test_a_member_that_comes_twice_with_different_values_is_a_bad_value(member: str, raw: bytes, after: bytes) -> None:
    found = page_with(raw + after)

    reasons = {reason for row in found.invalid for reason in str(row.reason).split("; ")}
    assert f"{member}: it occurs twice, with different values" in reasons
    assert [row.instance_id for row in found.invalid] == [ID]
    assert [record.instance_id for record in found.records] == ["mi-0123456789abcdef0"]


@pytest.mark.parametrize(
    "raw",
    [
        b'"MissingCount":3,"MissingCount":3',
        b'"SnapshotId":"a\\"","SnapshotId":"a\\u0022"',
        b'"PatchGroup":"web"',
        b'"SnapshotId":null,"SnapshotId":null',
        b'"Invented":1,"Invented":2',
        b'"SnapshotId":"\\\\u0022"',
        b'"SnapshotId":"MissingCount","PatchGroup":"web"',
    ],
)
def test_a_member_that_comes_twice_with_the_same_value_or_is_unknown_costs_nothing(raw: bytes) -> None:
    found = page_with(raw)

    assert found.invalid == []
    assert [record.patch_group for record in found.records] == ["web", "web"]


def test_a_row_with_two_ids_is_a_row_without_one() -> None:
    found = page_with(b'"InstanceId":"i-1123456789abcdef0"')

    assert [(row.instance_id, row.record) for row in found.invalid] == [(None, None)]
    assert len(found.records) == 1


@given(
    st.dictionaries(st.sampled_from(["SnapshotId", "Operation", "Invented"]), st.text(), max_size=3),
    st.sampled_from(["SnapshotId", "PatchGroup", "Operation"]),
    st.text(),
    st.booleans(),
)
def test_no_text_hides_that_a_member_comes_twice(
    texts: dict[str, str],
    member: str,
    text: str,
    ascii_only: bool,  # noqa: FBT001
) -> None:
    raw = json.dumps(VALID | texts | {member: "first"}, ensure_ascii=ascii_only)
    body = f'{{"InstancePatchStates":[{raw[:-1]},"{member}":{json.dumps(text, ensure_ascii=ascii_only)}}}]}}'

    found = STATES_DECODER.page(body.encode(errors="surrogatepass"), ANSWERED_AT)

    assert [member in str(row.reason) for row in found.invalid] == ([] if text == "first" else [True])


@pytest.mark.parametrize("member", [name for name in VALID if name != "InstanceId"])
def test_a_required_member_that_is_missing_is_named_and_costs_no_other_value(member: str) -> None:
    [row] = page([{name: value for name, value in VALID.items() if name != member} | {"MissingCount": 3}]).invalid

    assert (row.instance_id, row.reason) == (ID, f"{member}: it is absent")
    assert getattr(row.record, "missing_count", None) == 3


@pytest.mark.parametrize("row", [{"InstanceId": ID}, {"InstanceId": ID, "MissingCount": -1, "PatchGroup": None}])
def test_a_row_of_which_nothing_but_the_id_can_be_read_is_no_record(row: dict[str, object]) -> None:
    [bad] = page([row]).invalid

    assert (bad.instance_id, bad.record) == (ID, None)
    assert "PatchGroup: it is absent" in bad.reason


def test_a_node_of_which_nothing_but_the_id_can_be_read_is_described_by_its_id() -> None:
    body = json.dumps({"InstanceInformationList": [{"InstanceId": ID, "IPAddress": ["10.0.0.1"]}]}).encode()

    [row] = NODES_DECODER.page(body, ANSWERED_AT).invalid

    assert (row.instance_id, row.reason) == (ID, "IPAddress: expected `str | null`, got `array`")
    assert (
        row.record
        == NODES_DECODER.page(
            json.dumps({"InstanceInformationList": [{"InstanceId": ID}]}).encode(), ANSWERED_AT
        ).records[0]
    )


@pytest.mark.parametrize("row", [5, None, "x", [], {}, {"InstanceId": 5}, {"InstanceId": ""}, {"InstanceId": "\ud800"}])
def test_a_row_without_a_text_as_its_id_is_counted_without_one(row: object) -> None:
    found = page([VALID, row])

    assert [record.instance_id for record in found.records] == [ID]
    assert [row.instance_id for row in found.invalid] == [None]


@pytest.mark.parametrize(
    "instance_id",
    ["i-123", ID + "\n", "eks_c:production_0123456789abcdef0", "i-0123456789abcdef0f", "../../x", " ", "é"],
)
def test_an_id_of_a_form_that_is_not_known_is_an_id_and_its_row_keeps_its_values(instance_id: str) -> None:
    [bad] = page([VALID | {"InstanceId": instance_id}]).invalid

    assert bad.instance_id == instance_id
    assert bad.reason.startswith("InstanceId: expected `str` matching regex")
    assert bad.record is not None
    assert getattr(bad.record, "patch_group", None) == "web"


def test_a_reason_names_the_member_and_never_a_value() -> None:
    address = "10.1.2.3 and more"
    bodies = [
        json.dumps({"InstanceInformationList": [{"InstanceId": ID, "IPAddress": [address]}]}).encode(),
        json.dumps({"InstanceInformationList": [{"InstanceId": ID, "IPAddress": address + "\ud800"}]}).encode(),
        json.dumps({"InstanceInformationList": [{"InstanceId": ID, "RegistrationDate": address}]}).encode(),
        json.dumps({"InstanceInformationList": [{"InstanceId": address}]}).encode(),
        json.dumps({"InstanceInformationList": [address]}).encode(),
        b'{"InstanceInformationList":[{"InstanceId":"x","IPAddress":"' + address.encode() + b'\xff"}]}',
    ]

    reasons = [row.reason for body in bodies for row in NODES_DECODER.page(body, ANSWERED_AT).invalid]

    assert len(reasons) == len(bodies)
    assert reasons[:3] == [
        "IPAddress: expected `str | null`, got `array`",
        "IPAddress: expected Unicode text, or a finite number",
        "RegistrationDate: expected `float | null`, got `str`",
    ]
    assert [reason for reason in reasons if "10.1" in reason] == []


def test_an_error_about_a_whole_body_never_quotes_it() -> None:
    with pytest.raises(BrokenAnswerError) as caught:
        NODES_DECODER.page(b'{"InstanceInformationList":[{"IPAddress":"10.1.2.3', ANSWERED_AT)

    assert "10.1" not in str(caught.value)
    assert "10.1" not in str(caught.value.__cause__)
