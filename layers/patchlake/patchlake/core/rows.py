"""The values of rows, made from answers alone: equal answers give equal rows."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from patchlake.core.credentials import without_credentials
from patchlake.core.records import Record
from patchlake.core.tables import Column, Columns, ColumnType
from patchlake.core.targets import RunTarget


class Outcome(NamedTuple):
    """The outcome for one node: the collection columns of a row, and the answered record if there is one."""

    status: str
    detail: str | None = None
    collected_at_ms: int | None = None
    record: Record | None = None


def target_values(run_target: RunTarget) -> dict[str, str | int]:
    """Return the columns of run and target, each with the value that all rows have in it."""
    return {
        "run_id": run_target.run_id,
        "run_at": run_target.run_at_ms,
        "account_id": run_target.target.account_id,
        "region": run_target.target.region,
    }


def target_columns(run_target: RunTarget, rows: int) -> Columns:
    """Return the columns of run and target for ``rows`` rows."""
    return {name: [value] * rows for name, value in target_values(run_target).items()}


def collection_values(outcomes: Sequence[Outcome]) -> Columns:
    """Return the collection columns, one row for each outcome."""
    return {
        "collection_status": [str(outcome.status) for outcome in outcomes],
        "collection_detail": [outcome.detail for outcome in outcomes],
        "collected_at": [outcome.collected_at_ms for outcome in outcomes],
    }


def record_values(
    columns: Iterable[Column], records: Sequence[Record | None], *, include_sensitive_fields: bool
) -> Columns:
    """Return ``columns`` of the records, NULL for an outcome without a record."""
    return {column.name: _values(column, records, include_sensitive_fields) for column in columns}


def _values(column: Column, records: Sequence[Record | None], include_sensitive_fields: bool) -> list[Any]:  # noqa: FBT001
    if column.sensitive and not include_sensitive_fields:
        return [None] * len(records)
    values = [None if record is None else getattr(record, column.name) for record in records]
    if column.type is ColumnType.TIMESTAMP:
        times = [None if seconds is None else round(seconds * 1000) for seconds in values]
        return [time or None for time in times] if column.zero_is_absent else times
    if column.sensitive_parts and not include_sensitive_fields:
        return [None if location is None else without_credentials(location) for location in values]
    return values
