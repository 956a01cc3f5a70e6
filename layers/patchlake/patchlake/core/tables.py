"""Tables as data, and the columns that every table shares.

``sources`` declares each table once. The Parquet schema, the decoding of answers, the Glue columns, the DDL and the
data dictionary derive from these declarations or are tested against them. A column is named after its API member in
snake_case; absent is NULL, never 0.

In memory a table is ``Columns``: one list per column, all of one length, with ``str``, ``int``, ``bool`` or ``None``;
a timestamp is an ``int`` of milliseconds since the epoch, UTC.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from patchlake.core.statuses import Explanation, described

type Columns = dict[str, list[Any]]


class ColumnType(StrEnum):
    """The four types of columns, by their Arrow names."""

    STRING = "string"
    INT32 = "int32"
    BOOLEAN = "bool"
    TIMESTAMP = "timestamp[ms, UTC]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        member: the API member of its values, if it comes from one.
        nullable: whether a row may lack it; for an API member, whether an answer may lack it.
        repetitive: few distinct values in a file, so that a dictionary makes it smaller.
        sensitive: NULL unless the stack includes sensitive fields.
        sensitive_parts: a location whose parts may hold credentials: these parts are dropped unless the stack
            includes sensitive fields.
        zero_is_absent: the API sends 0 where there is no value.
    """

    name: str
    type: ColumnType
    description: str
    member: str | None = None
    nullable: bool = True
    repetitive: bool = False
    sensitive: bool = False
    sensitive_parts: bool = False
    zero_is_absent: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A named list of columns, in the order of the file."""

    name: str
    description: str
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(column.name for column in self.columns)

    def __iter__(self) -> Iterator[Column]:
        """Iterate over the columns, in order."""
        return iter(self.columns)


def string(name: str, description: str, member: str | None = None, *, nullable: bool = True) -> Column:
    """Declare a text with few distinct values in a file."""
    return Column(name, ColumnType.STRING, description, member, nullable, repetitive=True)


def unique_string(
    name: str, description: str, member: str | None = None, *, nullable: bool = True, sensitive: bool = False
) -> Column:
    """Declare a text that differs in nearly every row."""
    return Column(name, ColumnType.STRING, description, member, nullable, sensitive=sensitive)


def timestamp(
    name: str, description: str, member: str | None = None, *, nullable: bool = True, zero_is_absent: bool = False
) -> Column:
    """Declare a time."""
    return Column(name, ColumnType.TIMESTAMP, description, member, nullable, zero_is_absent=zero_is_absent)


def count(name: str, description: str, member: str | None = None, *, nullable: bool = True) -> Column:
    """Declare a count, from 0 to 2³¹ - 1."""
    return Column(name, ColumnType.INT32, description, member, nullable, repetitive=True)


RUN_COLUMNS = (
    string("run_id", "The run: its scheduled time in UTC, such as 20261123T060000Z.", nullable=False),
    timestamp("run_at", "The run's scheduled time.", nullable=False),
)
TARGET_COLUMNS = (
    string("account_id", "The AWS account of the target, twelve digits.", nullable=False),
    string("region", "The AWS region of the target.", nullable=False),
)
INSTANCE_ID = unique_string(
    "instance_id",
    "The node: i- and 8 or 17 characters, or mi- and 17 for a node outside EC2.",
    "InstanceId",
    nullable=False,
)


def collection_columns(statuses: Mapping[str, Explanation]) -> tuple[Column, ...]:
    """Declare the columns of an outcome, for a table whose rows have these statuses."""
    return (
        string("collection_status", described(statuses), nullable=False),
        string(
            "collection_detail",
            "Why the node is NOT_COLLECTED or INVALID_RESPONSE. For other nodes, the members whose values broke a "
            "rule, each with the rule; these values are NULL in this row. NULL otherwise.",
        ),
        timestamp(
            "collected_at",
            "When SSM answered, by AWS's clock; NULL if SSM gave no answer about the node.",
        ),
    )
