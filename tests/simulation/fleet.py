"""Nodes as SSM describes them, each with values of its own in every member, so that one dropped or swapped is seen.

Texts of neighbours differ in spaces alone. Some optional members are absent, and some counts are 0.
"""

from collections.abc import Iterable

import msgspec

from patchlake.core.records import NodeRecord
from patchlake.core.tables import Column, ColumnType
from patchlake.sources.nodes import NODE_COLUMNS, NodeInformation
from patchlake.sources.patch_states import PATCH_STATE_COLUMNS, PatchState
from tests.world import RUN_AT

_ABSENT_EVERY, _ZERO_EVERY = 7, 5


def described(instance_id: str, serial: int) -> NodeRecord:
    """Return a node's description; no two serial numbers have a value in common."""
    return msgspec.convert({"InstanceId": instance_id, **_members(NODE_COLUMNS, serial)}, type=NodeInformation)


def scanned(instance_id: str, serial: int) -> NodeRecord:
    """Return a node's patch state, in the same way."""
    return msgspec.convert({"InstanceId": instance_id, **_members(PATCH_STATE_COLUMNS, serial)}, type=PatchState)


def _members(columns: Iterable[Column], serial: int) -> dict[str, object]:
    return {
        str(column.member): _value(column, position, serial)
        for position, column in enumerate(columns)
        if not (column.nullable and (serial + position) % _ABSENT_EVERY == 0)
    }


def _value(column: Column, position: int, serial: int) -> object:
    if column.name == "install_override_list":
        return f"https://lists.example/{serial}?signature={serial}"
    match column.type:
        case ColumnType.STRING:
            return f"{column.name} {serial // 3}{' ' * (serial % 3)}"
        case ColumnType.INT32:
            return 0 if (serial + position) % _ZERO_EVERY == 0 else position * 1_000_000 + serial
        case ColumnType.BOOLEAN:
            return serial % 2 == 0
        case ColumnType.TIMESTAMP:
            return RUN_AT.timestamp() - position * 1_000_000 - serial - 0.125
