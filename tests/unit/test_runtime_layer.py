"""The build of the runtime layer: which services it keeps, and how it cuts symbols off a library."""

import struct

import pytest

from layers.runtime.build import AWS_SERVICES, without_symbols
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


def test_the_layer_keeps_the_services_that_the_functions_call_and_no_others() -> None:
    assert list(AWS_SERVICES) == sorted({service for service, _ in ACTIONS})


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
