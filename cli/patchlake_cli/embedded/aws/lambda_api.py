"""The embedded Lambda's API, as far as an operator needs it: invoke, event sources, the account's limit.

The functions themselves run in the process that runs the pipeline (`pipeline`), which announces them here with the port
of its `function_host`; the API forwards invocations to that port. moto would need Docker for this.
"""

import json
import re
from http import HTTPStatus
from http.client import HTTPConnection
from threading import Lock
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec import Struct

from patchlake.core.ready_types import ready

_INVOKE: Final = re.compile(r"/2015-03-31/functions/(?P<function>[^/]+)/invocations")
_EVENT_SOURCES: Final = re.compile(r"/2015-03-31/event-source-mappings/?(?P<uuid>[^/]*)")
_ACCOUNT_SETTINGS: Final = "/2016-08-19/account-settings"
_START_SECONDS: Final = 60


class ServedEventSource(Struct, frozen=True, kw_only=True):
    """A queue that feeds a function, as Lambda describes it."""

    uuid: str
    queue_arn: str
    batch_size: int
    maximum_concurrency: int | None
    reports_item_failures: bool
    enabled: bool = True


@ready
class ServedFunction(Struct, frozen=True, kw_only=True):
    """A function that runs: ``port`` is where its `function_host` listens on this machine."""

    name: str
    arn: str
    port: int
    timeout_seconds: int
    event_sources: tuple[ServedEventSource, ...] = ()


class LambdaAnswer(NamedTuple):
    """An answer of Lambda's API."""

    status: HTTPStatus
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Functions:
    """The functions that run at the moment, safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._served: dict[str, ServedFunction] = {}

    def serve(self, functions: list[ServedFunction]) -> None:
        """Add functions, or replace those with the same names."""
        with self._lock:
            self._served.update({function.name: function for function in functions})

    def withdraw(self, names: list[str]) -> None:
        """Forget functions that no longer run."""
        with self._lock:
            for name in names:
                self._served.pop(name, None)

    def answer(
        self, method: str, path: str, query: str, body: bytes, *, concurrent_executions: int
    ) -> LambdaAnswer | None:
        """Answer a call of Lambda's API; return None if it is not one of these.

        Args:
            method: of HTTP.
            path: the path of the URL.
            query: the query of the URL.
            body: of the request.
            concurrent_executions: the account's limit.
        """
        path = unquote(path)
        if method == "POST" and (invoked := _INVOKE.fullmatch(path)):
            return self._invoke(invoked["function"], body)
        if method == "GET" and path.rstrip("/") == _ACCOUNT_SETTINGS:
            limit = {"ConcurrentExecutions": concurrent_executions}
            return _json(HTTPStatus.OK, {"AccountLimit": limit, "AccountUsage": {}})
        if found := _EVENT_SOURCES.fullmatch(path):
            if method == "GET" and not found["uuid"]:
                return self._list_event_sources(query)
            if method == "PUT":
                return self._enable(found["uuid"], enabled=json.loads(body).get("Enabled", True))
        return None

    def _invoke(self, function: str, body: bytes) -> LambdaAnswer:
        served = self._served.get(function.rpartition(":")[2])
        if served is None:
            return _not_found(f"Function not found: {function}")
        answered = _ask(served, "POST", f"/invoke/{served.name}", body or b"null")
        if (error := answered.get("error")) is not None:
            failed = ("X-Amz-Function-Error", "Unhandled")
            return _json(HTTPStatus.OK, error, failed, ("X-Amz-Executed-Version", "$LATEST"))
        return _json(HTTPStatus.OK, answered["result"], ("X-Amz-Executed-Version", "$LATEST"))

    def _list_event_sources(self, query: str) -> LambdaAnswer:
        asked = parse_qs(query)
        with self._lock:
            found = [
                _described(function, source)
                for function in self._served.values()
                if asked.get("FunctionName", [function.name])[0].rpartition(":")[2] == function.name
                for source in function.event_sources
                if asked.get("EventSourceArn", [source.queue_arn])[0] == source.queue_arn
            ]
        return _json(HTTPStatus.OK, {"EventSourceMappings": found})

    def _enable(self, uuid: str, *, enabled: bool) -> LambdaAnswer:
        with self._lock:
            for function in self._served.values():
                for place, source in enumerate(function.event_sources):
                    if source.uuid == uuid:
                        changed = msgspec.structs.replace(source, enabled=enabled)
                        sources = (*function.event_sources[:place], changed, *function.event_sources[place + 1 :])
                        self._served[function.name] = msgspec.structs.replace(function, event_sources=sources)
                        _ask(function, "PUT", f"/event-source/{uuid}", json.dumps(enabled).encode())
                        return _json(HTTPStatus.ACCEPTED, _described(function, changed))
        return _not_found("The resource you requested does not exist.")


def _ask(function: ServedFunction, method: str, path: str, body: bytes) -> Any:  # noqa: ANN401 - any JSON
    connection = HTTPConnection("127.0.0.1", function.port, timeout=function.timeout_seconds + _START_SECONDS)
    try:
        connection.request(method, path, body)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def _described(function: ServedFunction, source: ServedEventSource) -> dict[str, Any]:
    scaling = {"MaximumConcurrency": source.maximum_concurrency} if source.maximum_concurrency else {}
    return {
        "UUID": source.uuid,
        "EventSourceArn": source.queue_arn,
        "FunctionArn": function.arn,
        "BatchSize": source.batch_size,
        "ScalingConfig": scaling,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if source.reports_item_failures else [],
        "State": "Enabled" if source.enabled else "Disabled",
        "StateTransitionReason": "USER_INITIATED",
    }


def _not_found(message: str) -> LambdaAnswer:
    return _json(
        HTTPStatus.NOT_FOUND, {"Type": "User", "Message": message}, ("x-amzn-ErrorType", "ResourceNotFoundException")
    )


def _json(status: HTTPStatus, content: object, *headers: tuple[str, str]) -> LambdaAnswer:
    return LambdaAnswer(status, json.dumps(content).encode(), headers)
