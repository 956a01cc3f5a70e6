"""AWS's time, from its answers: the time for all deadlines of the protocol."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from patchlake.errors import RetryableError


class ServiceClock:
    """``Clock`` that reads the Date header of the latest answer to any watched client, errors included."""

    def __init__(self) -> None:
        """Start without watched clients."""
        self._latest: str | None = None

    def watch(self, client: Any) -> None:  # noqa: ANN401
        """Read the time from every answer to this boto3 client from now on."""
        client.meta.events.register("after-call", self._answered)

    def now(self) -> datetime:
        """Return the time of the latest answer, aware, in UTC, in whole seconds.

        Raises:
            RetryableError: no watched client has received an answer yet, or the latest one had no valid date.
        """
        if self._latest is None:
            msg = "the time is unknown: no AWS service has answered yet"
            raise RetryableError(msg)
        return answered_at(self._latest)

    def _answered(self, http_response: Any, **_: object) -> None:  # noqa: ANN401
        # Parsed only on demand: this runs at every call.
        self._latest = http_response.headers.get("Date", self._latest)


def answered_at(date_header: str | None) -> datetime:
    """Return the time in a Date header, aware, in UTC.

    Raises:
        RetryableError: it is absent or not a date with an offset.
    """
    try:
        at = parsedate_to_datetime(date_header or "")
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        msg = f"the service's answer has no valid Date header: {date_header!r}"
        raise RetryableError(msg)
    return at.astimezone(UTC)
