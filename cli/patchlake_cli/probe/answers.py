"""The answers to the probe's calls, without anything that names what they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from msgspec import field

from patchlake.core.records import EpochSeconds, Record


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    Attributes:
        rows: the well-formed rows of its list.
        odd_rows: the number of the other rows.
        next_token: the token of the next page.
        ending: how it ends a chain of SSM's pages; None if another page follows, and for EC2.
    """

    rows: Sequence[Any]
    odd_rows: int = 0
    next_token: str | None = None
    ending: "Ending | None" = None

    @property
    def size(self) -> int:
        """The number of all rows."""
        return len(self.rows) + self.odd_rows


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The reason why there is no answer that can be used.

    Attributes:
        reason: in words of our own; the service's message may name resources, so it is not kept.
        code: the error code of a refusal; empty for any other failure.
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
        ending: the token of SSM's last page; None if the last page was not read, and for EC2.
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


class Node(Record, rename="pascal", frozen=True):
    """A row of DescribeInstanceInformation or DescribeInstanceProperties."""

    instance_id: str
    last_ping_date_time: float | None = None


class PatchState(Record, rename="pascal", frozen=True):
    """A row of DescribeInstancePatchStates."""

    instance_id: str
    operation_start_time: float | None = None
    operation_end_time: float | None = None
    last_no_reboot_install_operation_time: float | None = None
    missing_count: Any = None
    failed_count: Any = None
    installed_pending_reboot_count: Any = None
    installed_rejected_count: Any = None
    available_security_update_count: Any = None
    critical_non_compliant_count: Any = None
    security_non_compliant_count: Any = None
    other_non_compliant_count: Any = None


class Patch(Record, frozen=True):
    """A row of DescribeInstancePatches."""

    state: str = field(name="State")
    title: Any = field(name="Title", default=None)
    kb_id: Any = field(name="KBId", default=None)
    installed_time: float | None = field(name="InstalledTime", default=None)
    cve_ids: Any = field(name="CVEIds", default=None)


class Instance(Record, frozen=True):
    """A row of EC2's DescribeInstances."""

    instance_id: str = field(name="InstanceId")
    state: str = field(name="State.Name")
    launch_time: EpochSeconds | None = field(name="LaunchTime", default=None)
    is_managed: bool | None = field(name="Operator.Managed", default=None)


class Tag(Record, frozen=True):
    """A row of EC2's DescribeTags; its value is not read."""

    key: str = field(name="Key")
