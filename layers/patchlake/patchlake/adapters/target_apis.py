"""The AWS APIs of each target: one session per account, and one client per service that is asked.

The SDK does signing, retries and the reading of errors; the adapter decodes the raw body of a successful answer, in the
protocol of its service.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.config import Config

from patchlake import __version__
from patchlake.adapters.aws_errors import (
    AWS_ERRORS,
    DENIALS,
    AwsError,
    Cause,
    cause_of,
    cause_of_answer,
    code_of,
    failure_code_of,
    is_refusal,
)
from patchlake.adapters.clients import make_client
from patchlake.adapters.clock import ServiceClock
from patchlake.adapters.explanations import explained
from patchlake.adapters.make_once_cache import MakeOnceCache
from patchlake.adapters.narrower_calls import NarrowerCalls
from patchlake.adapters.page_decoding import PageDecoder
from patchlake.adapters.raw_answers import Decoder, keep_raw_answers, page_of
from patchlake.adapters.xml_page_decoding import XmlPageDecoder
from patchlake.core.call_counter import CallCounter
from patchlake.core.plan import Plan
from patchlake.core.records import Page, Record
from patchlake.core.run import milliseconds
from patchlake.core.statuses import ListingStatus
from patchlake.core.targets import Target
from patchlake.core.timings import CALL
from patchlake.errors import FailedCallError, PatchlakeError, RefusedError, RestartError, RetryableError, ThrottledError
from patchlake.sources.source import Operation

if TYPE_CHECKING:
    import boto3

    from patchlake.adapters.sts import RoleSessions

MOST_REMEMBERED = 64
"""The maximum number of cached connections, and of sessions in other accounts: a pair takes about half a megabyte.

A client of EC2, whose description is the SDK's largest, takes 1.4 more, but less with the trimmed one of the functions.
"""

_REFUSALS = {
    **dict.fromkeys(DENIALS, ListingStatus.ACCESS_DENIED),
    Cause.UNKNOWN_CALLER: ListingStatus.REGION_DISABLED,
}
"""The listing status of each cause of a refusal; all others are NOT_LISTED."""

_OF_THE_SESSION = frozenset({Cause.UNKNOWN_CALLER, Cause.EXPIRED, Cause.WRONG_CLOCK})
"""The causes that may be about a session: EC2 has one code for a wrong time and for credentials that have expired."""

_UNANSWERED = frozenset({Cause.PASSING, Cause.CONFLICT, Cause.UNREACHABLE})
"""The causes that may be about the ids of a call."""


_DECODERS: Mapping[str, Callable[[Operation, Any], Decoder]] = {
    "json": lambda operation, _: PageDecoder(operation),
    "ec2": XmlPageDecoder,
}
"""The decoder of an operation's answers, from the operation and the SDK's description of an answer, by protocol."""


def decoder_of(operation: Operation, client: Any) -> Decoder:  # noqa: ANN401  # each service has its own type
    """Make the decoder of an operation's answers to a client that keeps raw answers."""
    service = client.meta.service_model
    answer = service.operation_model(operation.name).output_shape
    return _DECODERS[service.resolved_protocol](operation, answer)


class AwsTargetApis:
    """``TargetApis`` of AWS; safe to use from many threads.

    Attributes:
        call_counter: counts each request of the SDK, and its answer.
    """

    def __init__(
        self,
        session: "boto3.Session",
        roles: "RoleSessions",
        clock: ServiceClock,
        *,
        connections: int,
        attempts: int = CALL.attempts,
    ) -> None:
        """Prepare the access to the targets.

        Args:
            session: of the home account.
            roles: of every other account.
            clock: reads the time from every answer.
            connections: the maximum number that is kept open to one target.
            attempts: of the SDK, at each call.
        """
        self._home = session
        self._roles = roles
        self._clock = clock
        self._config = Config(
            max_pool_connections=connections,
            retries={"mode": "standard", "total_max_attempts": attempts},
            # The caller, for CloudTrail; the SDK would build its own text at each call, for a sixth of the call's time.
            user_agent=f"patchlake/{__version__}",
        )
        self._connections: MakeOnceCache[Target, _Connection] = MakeOnceCache(
            MOST_REMEMBERED, lambda made: made.close()
        )
        self._sessions: MakeOnceCache[str, boto3.Session] = MakeOnceCache(MOST_REMEMBERED)
        self._decoders: dict[Operation, Decoder] = {}
        self._making = Lock()
        self.call_counter = CallCounter()

    def open(self, plan: Plan, target: Target, *, fresh_session: bool = False) -> "AwsTargetApi":
        """Return a target's API, through the configured role unless it is in the home account.

        Args:
            plan: of the run.
            target: one of its targets.
            fresh_session: whether to assume the role again, even if there is a session.

        Raises:
            RefusedError: the role cannot be assumed.
            RetryableError: STS could not answer for now.
        """
        api = AwsTargetApi(self, plan, target)
        if fresh_session:
            self._sessions.forget(target.account_id)
            self._connections.forget(target)
        self.connection(target, is_home=api.is_home)
        return api

    def connection(self, target: Target, *, is_home: bool) -> "_Connection":
        """Return the connection to a target, which may be in the home account; many threads may call this at once."""
        return self._connections.get(target, lambda: self._connect(target, is_home=is_home))

    def forget(self, target: Target, refused: "_Connection") -> None:
        """Remove a connection whose credentials are not accepted; keep one that has replaced it in the meantime."""
        self._sessions.forget(target.account_id, refused.session)
        self._connections.forget(target, refused)

    def decoder(self, operation: Operation, client: Any) -> Decoder:  # noqa: ANN401
        """Return the decoder of an operation's answers to such a client."""
        if operation not in self._decoders:
            self._decoders[operation] = decoder_of(operation, client)
        return self._decoders[operation]

    def now(self) -> datetime:
        """Return AWS's time, just after an answer.

        Raises:
            RetryableError: AWS's answers do not agree on it.
        """
        return self._clock.now()

    def _connect(self, target: Target, *, is_home: bool) -> "_Connection":
        session = (
            self._home
            if is_home
            else self._sessions.get(target.account_id, lambda: self._roles.session(target.account_id))
        )
        return _Connection(session, partial(self._client, session, target))

    def _client(self, session: "boto3.Session", target: Target, service: str) -> Any:  # noqa: ANN401  # each service has its own type
        # Two threads must not make clients of one session at the same time. Making one does no I/O, so it is quick.
        with self._making:
            client = make_client(session, service, self._config, target.region)
        keep_raw_answers(client)
        client.meta.events.register("response-received", self._count)
        self._clock.watch(client)
        return client

    def _count(self, parsed_response: dict[str, Any] | None, context: dict[str, Any], **_: object) -> None:
        is_retry = context["retries"]["attempt"] > 1
        answer = parsed_response or {}
        is_throttled = "Error" in answer and cause_of_answer(answer) is Cause.THROTTLED
        self.call_counter.add(calls=not is_retry, retries=is_retry, throttles=is_throttled)


@dataclass(frozen=True, slots=True, eq=False)
class _Connection:
    """The clients of one target, each made when it is first needed, and their session."""

    session: "boto3.Session"
    make: Callable[[str], Any]
    clients: dict[str, Any] = field(default_factory=dict)
    making: Lock = field(default_factory=Lock)

    def client(self, service: str) -> Any:  # noqa: ANN401
        """Return the client of a service; many threads may call this at once."""
        with self.making:
            if service not in self.clients:
                self.clients[service] = self.make(service)
            return self.clients[service]

    def close(self) -> None:
        """Close every client."""
        with self.making:
            for client in self.clients.values():
                client.close()


class AwsTargetApi:
    """``TargetApi`` of one target."""

    def __init__(self, apis: AwsTargetApis, plan: Plan, target: Target) -> None:
        """Ask for a target of the plan with the clients of ``apis``."""
        self.is_home = target.account_id == plan.home_account_id
        self._apis = apis
        self._plan = plan
        self._target = target
        self._narrower_calls = NarrowerCalls()

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
        """Request one page of an operation's answer about these ids; a listing has no ids.

        Raises:
            RefusedError: the account (``ACCESS_DENIED``) or the region (``REGION_DISABLED``) refuses, or the service
                does so with another code of 4xx that is about the target (``NOT_LISTED``).
            RestartError: the service refused the token or the filter.
            BrokenAnswerError: the answer was cut short, lacked its list or was an error.
            FailedCallError: the service failed, or gave no answer.
            ThrottledError: the service still throttles after the SDK's own pauses.
            RetryableError: anything else.
        """
        return self._narrower_calls.page(operation, ids, self._plan, token, partial(self._page, operation))

    def _page(self, operation: Operation, request: dict[str, Any], token: str | None) -> Page[Record]:
        parameters = {**request, "MaxResults": operation.page_size}
        if token is not None:
            parameters["NextToken"] = token
        client, answer = self._answer(operation, parameters)
        try:
            return page_of(answer, self._apis.decoder(operation, client), milliseconds(self._apis.now()))
        except RetryableError as error:
            msg = f"target {self._target}: {xform_name(operation.name)}: {error}"
            raise type(error)(msg) from error

    def _answer(self, operation: Operation, arguments: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return an answer, and the client that has it."""
        connection = self._apis.connection(self._target, is_home=self.is_home)
        client = connection.client(operation.service)
        try:
            return client, _call(client, operation, arguments)
        except AWS_ERRORS as error:
            if cause_of(error) not in _OF_THE_SESSION:
                raise self._failure(operation, error) from error
        # The session may have ended, or be older than the activation of the region: only a new session can show.
        self._apis.forget(self._target, connection)
        client = self._apis.connection(self._target, is_home=self.is_home).client(operation.service)
        try:
            return client, _call(client, operation, arguments)
        except AWS_ERRORS as error:
            raise self._failure(operation, error) from error

    def _failure(self, operation: Operation, error: AwsError) -> PatchlakeError:
        cause = cause_of(error)
        why = explained(error, f"{operation.service}:{operation.name}")
        msg = f"target {self._target}: {xform_name(operation.name)} failed: {why}{_quota(error)}"
        if is_refusal(error):
            return RefusedError(_REFUSALS.get(cause, ListingStatus.NOT_LISTED), code_of(error), msg, operation.name)
        if cause is Cause.BROKEN_CHAIN:
            return RestartError(msg)
        if cause is Cause.THROTTLED:
            return ThrottledError(msg)
        return FailedCallError(failure_code_of(error), msg) if cause in _UNANSWERED else RetryableError(msg)


def _call(client: Any, operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    answer: dict[str, Any] = getattr(client, xform_name(operation.name))(**arguments)
    return answer


def _quota(error: AwsError) -> str:
    """Return the quota that a throttled call has hit, if the service names it."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    named = [f"{name} {response[name]}" for name in ("ServiceCode", "QuotaCode") if response.get(name)]
    return f" ({', '.join(named)})" if named else ""
