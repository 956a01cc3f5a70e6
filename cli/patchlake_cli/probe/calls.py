"""The probe's calls: paced, limited in number, never repeated, and never again to a service that throttles or fails."""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from patchlake.adapters.aws_errors import (
    AWS_ERRORS,
    DENIALS,
    AwsError,
    Cause,
    cause_named,
    cause_of,
    code_of,
    refusal_code_of,
)
from patchlake.adapters.clients import make_client
from patchlake.adapters.clock import is_aws, time_in
from patchlake.adapters.explanations import EXPLANATIONS, permission_for_credentials
from patchlake.adapters.page_decoding import parse_json
from patchlake.adapters.raw_answers import keep_raw_answers, page_of, raw_body
from patchlake.adapters.target_apis import decoder_of
from patchlake.core.run import milliseconds
from patchlake.errors import BrokenAnswerError
from patchlake.sources.source import Operation
from patchlake_cli.probe.answers import Answer, Ending, NoAnswer
from patchlake_cli.probe.error_codes import shown_code
from patchlake_cli.probe.observations import Asked, Throttle

MOST_CALLS = 60
SECONDS_BETWEEN_CALLS = 1.0

_ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})
_BROKEN = "the answer is malformed"
_CREDENTIALS = "credentials"
_MOST_FAILURES = 3
_QUOTA = re.compile(r"L-[0-9A-Z]{8}")
_REFUSED_VALUE = re.compile(r"Validation|^InvalidParameter|MaxResults")

_FINAL = frozenset(
    {
        Cause.EXPIRED,
        Cause.PROXY,
        Cause.PROXY_PAGE,
        Cause.PROXY_ANSWER,
        Cause.REDIRECTED,
        Cause.THROTTLED,
        Cause.UNKNOWN_CALLER,
        Cause.WRONG_CLOCK,
        Cause.WRONG_SIGNATURE,
    }
)
"""The causes after which no other call to the service would be answered, or should be made."""


@dataclass(frozen=True, slots=True)
class Timing:
    """This machine's clocks.

    Attributes:
        now: returns the time of day, aware.
        elapsed: returns seconds since any fixed moment.
        sleep: waits for some seconds.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    elapsed: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class PacedCalls:
    """Makes the calls of one probe.

    Args:
        session: the user's session.
        timing: the clocks.

    Attributes:
        asked: every call, in order.
        throttles: the throttled calls.
        reasons: the reasons why calls were not answered, each with what to do about it.
        proves_clock: whether only AWS itself was asked, which accepts a signature only near its own time.
    """

    def __init__(self, session: boto3.Session, timing: Timing) -> None:
        self.asked: list[Asked] = []
        self.throttles: list[Throttle] = []
        self.reasons: list[str] = []
        self.proves_clock = True
        self._session = session
        self._timing = timing
        self._clients: dict[str, Any] = {}
        self._closed: dict[str, NoAnswer] = {}
        self._failures: Counter[str] = Counter()
        self._next_at = 0.0

    def ask(self, operation: Operation, parameters: Mapping[str, Any]) -> Answer | NoAnswer:
        """Make a call, once it is time for one."""
        service = operation.service
        name = f"{service}:{operation.name}"
        for closed in (_CREDENTIALS, service, name):
            if closed in self._closed:
                return self._closed[closed]
        if len(self.asked) == MOST_CALLS:
            return NoAnswer(f"the probe makes at most {MOST_CALLS} calls")
        client = self._client(service)
        self._wait()
        began = self._timing.elapsed()
        try:
            response = getattr(client, xform_name(operation.name))(**parameters)
        except AWS_ERRORS as error:
            if (permission := permission_for_credentials(error)) is not None:
                return self._without_credentials(permission, error)
            response = error.response if isinstance(error, ClientError) else {}
            self._record(name, began, response, is_answer=False)
            return self._refusal(service, name, error)
        try:
            answer = self._decoded(operation, client, response)
        except BrokenAnswerError:
            self._record(name, began, response, is_answer=False)
            return self._broken(service, name)
        self._record(name, began, response, is_answer=True)
        self._failures[service] = self._failures[_CREDENTIALS] = 0
        return answer

    def _decoded(self, operation: Operation, client: Any, response: Mapping[str, Any]) -> Answer:  # noqa: ANN401
        page = page_of(response, decoder_of(operation, client), milliseconds(self._timing.now()))
        is_json = client.meta.service_model.resolved_protocol == "json"
        ending = Ending.of(parse_json(raw_body(response).decode(errors="surrogateescape"))) if is_json else None
        return Answer(page.records, len(page.invalid), page.next_token, ending)

    def _client(self, service: str) -> Any:  # noqa: ANN401  # each service has its own type
        if service not in self._clients:
            client = make_client(self._session, service, _ONCE)
            keep_raw_answers(client)
            self.proves_clock &= is_aws(client.meta.endpoint_url)
            self._clients[service] = client
        return self._clients[service]

    def _wait(self) -> None:
        now = self._timing.elapsed()
        if self.asked and now < self._next_at:
            self._timing.sleep(self._next_at - now)
        self._next_at = max(now, self._next_at if self.asked else now) + SECONDS_BETWEEN_CALLS

    def _record(self, name: str, began: float, response: Mapping[str, Any], *, is_answer: bool) -> None:
        at, local = time_in(response), self._timing.now()
        ahead = None if at is None else (at - local).total_seconds()
        self.asked.append(Asked(name, self._timing.elapsed() - began, ahead, is_answer=is_answer))

    def _refusal(self, service: str, name: str, error: AwsError) -> NoAnswer:
        cause, code = cause_of(error), code_of(error)
        if isinstance(error, ResponseParserError):
            return self._broken(service, name)
        found = NoAnswer(
            self._reason(name, error),
            refusal_code_of(error) or "",
            refuses_value=cause is Cause.REFUSED and _REFUSED_VALUE.search(code) is not None,
        )
        # A proxy may throttle too: only a code shows that the service did.
        if cause is Cause.THROTTLED and cause_named(code) is cause:
            response = error.response if isinstance(error, ClientError) else {}
            quota = str(response.get("QuotaCode", ""))
            self.throttles.append(Throttle(service, name, _shown(error), quota if _QUOTA.fullmatch(quota) else None))
        if cause in _FINAL or not isinstance(error, ClientError):
            self._closed[service] = found
        elif cause in DENIALS:
            self._closed[name] = found
        elif cause is Cause.PASSING:
            return self._failed(service, found)
        self._failures[service] = 0
        return found

    def _without_credentials(self, permission: str, error: AwsError) -> NoAnswer:
        """Return why there are no credentials, which every call needs: a refusal ends them all."""
        found = NoAnswer(self._reason(permission, error, is_named=True))
        if cause_of(error) is Cause.PASSING:
            return self._failed(_CREDENTIALS, found)
        self._closed[_CREDENTIALS] = found
        return found

    def _reason(self, permission: str, error: AwsError, *, is_named: bool = False) -> str:
        """Return why a call was not answered, and keep it with what to do about it."""
        meaning, fix, _ = EXPLANATIONS[cause_of(error)]
        reason = f"{meaning} ({_shown(error)})"
        told = f"{permission}: {reason}"
        self.reasons.append(f"{told if is_named else reason}. {fix[0].upper()}{fix[1:]}".format(permissions=permission))
        return told

    def _broken(self, service: str, name: str) -> NoAnswer:
        reason = f"{name}: {_BROKEN}"
        self.reasons.append(reason)
        return self._failed(service, NoAnswer(reason))

    def _failed(self, service: str, found: NoAnswer) -> NoAnswer:
        """Return it; a service that fails several times in a row may be overloaded, and is not asked again."""
        self._failures[service] += 1
        if self._failures[service] == _MOST_FAILURES:
            self._closed[service] = found
        return found


def _shown(error: AwsError) -> str:
    code = code_of(error)
    return shown_code(code) if isinstance(error, ClientError) else code
