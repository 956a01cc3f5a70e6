"""A run's name and its three times: all derived from the scheduled time, in UTC."""

import re
from datetime import UTC, datetime

from patchlake.errors import InputError

_FRACTION = r"[.,]0*[1-9]"
"""Of a second, also one that ``datetime`` would drop: beyond microseconds, or of an offset."""

RUN_ID_PATTERN = r"^[0-9]{8}T[0-9]{6}Z\Z"


def run_id_of(scheduled_time: object) -> str:
    """Name the run of a scheduler event's ``scheduled_time``: ``20261123T060000Z``.

    Any ISO 8601 time with an offset and whole seconds is accepted, and its instant in UTC is the name.

    Raises:
        InputError: absent, not a string, not a time, without an offset, or with a fraction of a second.
    """
    expected = 'an ISO 8601 time with an offset and whole seconds, such as "2026-11-23T06:00:00Z"'
    if not isinstance(scheduled_time, str):
        msg = f"the event's scheduled_time is {scheduled_time!r}: expected {expected}"
        raise InputError(msg)
    try:
        at = datetime.fromisoformat(scheduled_time).astimezone(UTC) if "T" in scheduled_time else None
    except (ValueError, OverflowError):
        at = None
    if at is None or re.search(_FRACTION, scheduled_time) or datetime.fromisoformat(scheduled_time).tzinfo is None:
        msg = f"the event's scheduled_time is {scheduled_time!r}: expected {expected}"
        raise InputError(msg)
    return f"{at.year:04d}{at:%m%dT%H%M%SZ}"


def run_at(run_id: str) -> datetime:
    """Return the scheduled time that ``run_id`` names, aware, in UTC.

    Raises:
        InputError: not the name of a run.
    """
    try:
        if re.match(RUN_ID_PATTERN, run_id):
            day, time = run_id[:8], run_id[9:15]
            return datetime(
                int(day[:4]), int(day[4:6]), int(day[6:]), int(time[:2]), int(time[2:4]), int(time[4:]), tzinfo=UTC
            )
    except ValueError:
        pass
    msg = f"{run_id!r} is not a run id: expected a UTC time such as 20261123T060000Z"
    raise InputError(msg)


def is_run_id(name: str) -> bool:
    """Whether it is the name of a run."""
    try:
        run_at(name)
    except InputError:
        return False
    return True


def run_date(run_id: str) -> str:
    """Return the UTC date of a run, ``YYYY-MM-DD``: the value of the partition column."""
    return run_at(run_id).date().isoformat()


def utc_text(at: datetime) -> str:
    """Return an aware time as a text in UTC, in whole seconds: ``2026-11-23T06:00:00Z``."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def milliseconds(at: datetime) -> int:
    """Return an aware time as milliseconds since the epoch, as in tables."""
    return round(at.timestamp() * 1000)
