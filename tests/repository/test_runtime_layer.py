"""The build of the runtime layer: the services that it keeps, and the symbols that it cuts from a library."""

import shutil
import struct
from pathlib import Path

import botocore
import botocore.session
import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from layers.runtime.build import AWS_OPERATIONS, trim_models, with_operations, without_symbols
from tests.permissions import ACTIONS

HEADER = struct.Struct("<16s2HI3QI6H")
SEGMENT = struct.Struct("<2I6Q")


def library(segments: list[bytes], behind: bytes) -> bytes:
    """Return an ELF library of these segments, with a table of sections behind them."""
    first = HEADER.size + len(segments) * SEGMENT.size
    offsets = [first + sum(map(len, segments[:number])) for number in range(len(segments))]
    end = first + sum(map(len, segments))
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = HEADER.pack(
        identity, 3, 183, 1, 0, HEADER.size, end, 0, HEADER.size, SEGMENT.size, len(segments), 64, len(behind) // 64, 1
    )
    table = [
        SEGMENT.pack(1, 5, offset, offset, offset, len(body), len(body), 1)
        for offset, body in zip(offsets, segments, strict=True)
    ]
    return header + b"".join([*table, *segments]) + behind


def test_the_layer_keeps_what_the_functions_call_and_nothing_else() -> None:
    kept = {(service, operation) for service, operations in AWS_OPERATIONS.items() for operation in operations}

    # Neither needs a permission: our own identity, and the region of a bucket after a redirect.
    assert kept - {("sts", "GetCallerIdentity"), ("s3", "HeadBucket")} == set(ACTIONS)


def walk(shape: Shape | None) -> object:
    """Return everything that the SDK makes of a shape; these operations have no circular shapes."""
    match shape:
        case StructureShape():
            return shape.name, shape.serialization, [(name, walk(member)) for name, member in shape.members.items()]
        case ListShape():
            return shape.name, shape.serialization, walk(shape.member)
        case MapShape():
            return shape.name, shape.serialization, walk(shape.key), walk(shape.value)
        case None:
            return None
    return shape.name, shape.type_name, shape.serialization, shape.metadata


@pytest.mark.parametrize("service", AWS_OPERATIONS)
def test_an_operation_that_is_kept_is_to_the_sdk_what_it_was(service: str) -> None:
    whole = Loader().load_service_model(service, "service-2")

    trimmed = with_operations(whole, AWS_OPERATIONS[service])

    assert trimmed["operations"].keys() == AWS_OPERATIONS[service]
    before, after = ServiceModel(whole, service), ServiceModel(trimmed, service)
    assert (after.metadata, after.protocols) == (before.metadata, before.protocols)
    for name in AWS_OPERATIONS[service]:
        then, now = before.operation_model(name), after.operation_model(name)
        assert (now.http, now.auth, now.endpoint) == (then.http, then.auth, then.endpoint)
        assert walk(now.input_shape) == walk(then.input_shape)
        assert walk(now.output_shape) == walk(then.output_shape)
        assert list(map(walk, now.error_shapes)) == list(map(walk, then.error_shapes))


def test_clients_are_what_they_were_with_the_data_that_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    data = tmp_path / "data"
    shutil.copytree(Path(botocore.__file__).with_name("data"), data)

    trim_models(data)

    assert sorted(folder.name for folder in data.glob("*/")) == list(AWS_OPERATIONS)
    whole, trimmed = botocore.session.Session(), botocore.session.Session()
    trimmed.register_component("data_loader", Loader([str(data)], include_default_search_paths=False))
    for service in AWS_OPERATIONS:
        for region in ("eu-central-1", "us-gov-west-1", "cn-north-1", "mars-north-1"):
            then, now = (session.create_client(service, region) for session in (whole, trimmed))
            assert (now.meta.endpoint_url, now.meta.partition) == (then.meta.endpoint_url, then.meta.partition)
            assert {*now.meta.method_to_api_mapping.values()} == AWS_OPERATIONS[service]


@pytest.mark.parametrize("segments", [[b"text"], [b"text", b"data" * 100]])
def test_all_that_the_loader_reads_is_kept_and_all_that_stands_behind_is_not(segments: list[bytes]) -> None:
    cut = without_symbols(library(segments, b"symbols.".ljust(64, b"\0")))

    assert cut[HEADER.size :] == library(segments, b"")[HEADER.size :]
    *kept, sections, name = HEADER.unpack_from(cut)[7:]
    assert (HEADER.unpack_from(cut)[6], sections, name) == (0, 0, 0)
    assert kept == list(HEADER.unpack_from(library(segments, b"")))[7:12]


def test_cutting_once_more_changes_nothing() -> None:
    cut = without_symbols(library([b"text", b"data"], b"symbols.".ljust(64, b"\0")))

    assert without_symbols(cut) == cut
