"""The answers to the probe's calls, without anything that names what they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    Attributes:
        members: its members by name, as the service sent them.
        rows: the rows of its list.
    """

    members: Mapping[str, Any]
    rows: Sequence[Any]


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The reason why there is no answer that can be used.

    Attributes:
        reason: in words of our own; the service's message may name resources, so it is not kept.
        code: the error code; empty if the service named none.
        refuses_value: whether the service says that a parameter's value is not allowed.
    """

    reason: str
    code: str = ""
    refuses_value: bool = False


class Ending(StrEnum):
    """The token of the last page of a chain."""

    ABSENT = "no NextToken"
    EMPTY = "an empty NextToken"
    NULL = "NextToken null"

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "Ending | None":
        """Return how an answer ends a chain; None if another page follows."""
        match members.get("NextToken", cls.ABSENT):
            case cls.ABSENT:
                return cls.ABSENT
            case "":
                return cls.EMPTY
            case None:
                return cls.NULL
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Chain[Row]:
    """The pages of one question, as far as they were read.

    Attributes:
        rows: the well-formed rows of all pages.
        odd_rows: the number of the other rows.
        largest_page: the most rows of one page.
        ending: the token of the last page; None if the last page was not read.
        stopped: why reading stopped before the last page.
    """

    rows: tuple[Row, ...]
    odd_rows: int
    largest_page: int
    ending: Ending | None
    stopped: NoAnswer | None

    @property
    def obstacle(self) -> str | None:
        """The reason why these are not all rows; None if they are."""
        if self.stopped is not None:
            return self.stopped.reason
        return f"malformed rows: {self.odd_rows}" if self.odd_rows else None


class Node(msgspec.Struct, rename="pascal", frozen=True):
    """A row of DescribeInstanceInformation or DescribeInstanceProperties."""

    instance_id: str
    last_ping_date_time: Any = None


class PatchState(msgspec.Struct, rename="pascal", frozen=True):
    """A row of DescribeInstancePatchStates."""

    instance_id: str
    operation_start_time: Any = None
    operation_end_time: Any = None
    last_no_reboot_install_operation_time: Any = None
    missing_count: Any = None
    failed_count: Any = None
    installed_pending_reboot_count: Any = None
    installed_rejected_count: Any = None
    available_security_update_count: Any = None
    critical_non_compliant_count: Any = None
    security_non_compliant_count: Any = None
    other_non_compliant_count: Any = None


class Patch(msgspec.Struct, frozen=True):
    """A row of DescribeInstancePatches."""

    state: str = msgspec.field(name="State")
    title: Any = msgspec.field(name="Title", default=None)
    kb_id: Any = msgspec.field(name="KBId", default=None)
    installed_time: Any = msgspec.field(name="InstalledTime", default=None)
    cve_ids: Any = msgspec.field(name="CVEIds", default=None)


class _InstanceState(msgspec.Struct, rename="pascal", frozen=True):
    name: str


class _Operator(msgspec.Struct, rename="pascal", frozen=True):
    managed: bool = False


class Instance(msgspec.Struct, rename="pascal", frozen=True):
    """A row of EC2's DescribeInstances."""

    instance_id: str
    state: _InstanceState
    launch_time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    operator: _Operator = _Operator()
    tags: list[Any] = []


class Tag(msgspec.Struct, rename="pascal", frozen=True):
    """A row of EC2's DescribeTags; its value is not read."""

    key: str
