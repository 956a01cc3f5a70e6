"""The times of answers, as the SDK's parsers are to read them: by themselves they read ``false`` as a time of 1970."""

import re
from datetime import UTC, datetime
from typing import Any

from botocore.utils import parse_timestamp

_DATE = re.compile(
    r"\d{4}-?\d{2}-?\d{2}[T ]"
    r"|([a-z]+, )?\d{1,2}[ -][a-z]{3}[ -](\d{4}|\d{2}) "
    r"|[a-z]{3} [a-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}",
    re.IGNORECASE,
)
"""The start of a time in ISO 8601, and of one in each form that HTTP has (RFC 9110, 5.6.7)."""


def read_time(value: Any) -> datetime:  # noqa: ANN401  # whatever an answer has
    """Return a time of an answer, in UTC or without a zone: seconds since 1970, or a text with a date and a time.

    Raises:
        ValueError: it is no time; the SDK reads a text such as ``Monday`` or ``10``, too.
        RuntimeError: no calendar has the time.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and _DATE.match(value)):
        msg = "it is no time"
        raise ValueError(msg)
    at: datetime = parse_timestamp(value)
    try:
        return at.astimezone(UTC) if at.tzinfo else at
    except OverflowError as error:
        msg = "it is outside the calendar"
        raise ValueError(msg) from error
