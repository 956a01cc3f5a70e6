"""AWS's time, from its answers: the time for all deadlines of the protocol."""

from collections.abc import Callable, Mapping
from datetime import MAXYEAR, UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock, local
from typing import Any
from urllib.parse import urlsplit

from patchlake.core.agreed_time import AgreedTime, agree

AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn")
"""The domains of AWS's own endpoints; those of isolated partitions are left out."""


class ServiceClock:
    """``Clock`` from the Date headers of all answers to any watched client, errors included; for many threads.

    Only the last answer to a call counts: those to the attempts that the SDK repeats would agree on one wrong time.

    With a local time, an answer counts if it agrees with that, and else the local time itself: AWS accepts a signature
    only near its own time. So the local time counts only while every watched client talks to AWS.
    """

    def __init__(self, ask: Callable[[], object], local_time: Callable[[], datetime] | None = None) -> None:
        """Start without watched clients.

        Args:
            ask: makes a cheap call with a watched client.
            local_time: returns this machine's time, aware, in UTC.
        """
        self._ask = ask
        self._local_time = local_time
        self._heard = AgreedTime()
        self._asking = Lock()
        self._call = local()

    def watch(self, client: Any) -> None:  # noqa: ANN401
        """Read the time from every answer to this boto3 client from now on."""
        if not is_aws(client.meta.endpoint_url):
            self._local_time = None
        # Before anything is read of the answer: one that cannot be used has a time, too.
        client.meta.events.register_first("before-parse", self._before_parse)
        client.meta.events.register_first("after-call", self._after_call)
        client.meta.events.register_first("after-call-error", self._after_call)

    def begin(self) -> None:
        """Begin an invocation: answers to earlier ones no longer count."""
        self._heard.begin()

    def now(self) -> datetime:
        """Return the time of the latest answer, aware, in UTC, in whole seconds.

        Raises:
            RetryableError: no two consecutive answers agree.
        """
        if self._local_time is not None:
            local, latest = self._local_time(), self._heard.latest
            return latest if latest is not None and agree(latest, local) else local.replace(microsecond=0)
        if (at := self._heard.agreed()) is not None:
            return at
        with self._asking:
            return self._heard.now(self._ask)

    def answered(self, headers: Mapping[str, str]) -> None:
        """Read the time from the headers of an answer."""
        self._heard.hear(time_of(headers.get("Date")))

    def _before_parse(self, response_dict: Mapping[str, Any], **_: object) -> None:
        self._call.headers = response_dict["headers"]

    def _after_call(self, **_: object) -> None:
        if (headers := self._call.__dict__.pop("headers", None)) is not None:
            self.answered(headers)


def time_of(date_header: str | None) -> datetime | None:
    """Return the time in a Date header; None if it is absent or not a date with an offset.

    Nor is one of the calendar's last year: no run that began then could have a deadline.
    """
    try:
        at = parsedate_to_datetime(date_header or "")
        return None if at.tzinfo is None or at.year == MAXYEAR else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def time_in(answer: Mapping[str, Any]) -> datetime | None:
    """Return the time in the Date header of an answer, as the SDK parsed it; None if it has none."""
    return time_of(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date"))


def is_aws(url: str) -> bool:
    """Whether an address is one of AWS's own endpoints."""
    parts = urlsplit(url)
    return parts.scheme == "https" and (parts.hostname or "").endswith(AWS_DOMAINS)
