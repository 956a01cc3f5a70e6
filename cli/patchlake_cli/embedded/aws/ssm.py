"""The embedded Systems Manager: four operations that moto lacks, answered from the fleet.

Source: the API reference of DescribeInstancePatchStates, DescribeInstanceInformation, DescribeInstancePatches and
DescribeInstanceProperties, which has the members of DescribeInstanceInformation here, and behavior of the service that
the reference does not document. SSM refuses a MaxResults over 50 where the reference says 100, sends rows in any order,
silently leaves out nodes without a state, and sends short and even empty pages with a token for the next one. The last
page has an empty token or none. Errors are those of the AWS JSON 1.1 protocol: a status, and a body that names the
error in ``__type``. moto answers all other operations of SSM.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from threading import Lock
from time import sleep
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from patchlake.core.ready_types import ready
from patchlake.core.targets import Target
from patchlake_cli.embedded.aws.faults import Fault
from patchlake_cli.embedded.aws.pages import Pages, page_size
from patchlake_cli.embedded.aws.settings import Conditions
from patchlake_cli.embedded.aws.ssm_calls import Call, Chain, Operation
from patchlake_cli.embedded.aws.state import State
from patchlake_cli.embedded.fleet.dice import Dice
from patchlake_cli.embedded.fleet.node import PATCH_STATES, ManagedNode

_MOST_IDS: Final = 50
_MOST_RESULTS: Final = 50
_MOST_PROPERTIES: Final = 1000
_SHOWN_PATTERN: Final = "(^i-(\\w{8}|\\w{17})$)|(^mi-\\w{17}$)"
_ID_PATTERN: Final = re.compile(r"(i-(\w{8}|\w{17})|mi-\w{17})\Z", re.ASCII)
_LISTS: Final[Mapping[str, bytes]] = {
    Operation.PATCH_STATES: b"InstancePatchStates",
    Operation.INFORMATION: b"InstanceInformationList",
    Operation.PATCHES: b"Patches",
    Operation.PROPERTIES: b"InstanceProperties",
}
_LEAST_RESULTS: Final[Mapping[str, int]] = {
    Operation.PATCH_STATES: 10,
    Operation.INFORMATION: 5,
    Operation.PATCHES: 10,
    Operation.PROPERTIES: 5,
}
_DEFAULT_RESULTS: Final[Mapping[str, int]] = {
    Operation.PATCH_STATES: 50,
    Operation.INFORMATION: 10,
    Operation.PATCHES: 50,
    Operation.PROPERTIES: 1000,
}
_MOST_PATCH_FILTERS: Final = 5
_PATCH_FILTERS: Final = {"Classification", "KBId", "Severity", "State"}
_NODES_WITH_PATCHES: Final = 64


class SsmAnswer(NamedTuple):
    """An answer to the caller: status, JSON body, and the id of the request."""

    status: int
    body: bytes
    request_id: str


class _ServiceError(Exception):
    """A refusal, in the service's words."""

    def __init__(self, code: str, message: str, *, status: int = 400, **members: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = msgspec.json.encode({"__type": code, "message": message, **members})


class _Filter(Struct, rename="pascal", frozen=True):
    """A filter: a row passes if its member is one of the values."""

    key: str | None = None
    values: tuple[str, ...] = ()


@ready
class _Request(Struct, rename="pascal"):
    """The input members of all operations."""

    instance_id: str | None = None
    instance_ids: list[str] | None = None
    instance_information_filter_list: list[object] | None = None
    filters: tuple[_Filter, ...] = ()
    max_results: int | None = None
    next_token: str | None = None


class _Rows(NamedTuple):
    """The rows of a target on a day, encoded, by node id.

    Attributes:
        order: all ids, in the order of answers.
        rank: the place of each id in that order.
        information: one row for each node.
        patch_states: one row for each node that was scanned.
        nodes: the nodes themselves.
    """

    order: tuple[str, ...]
    rank: Mapping[str, int]
    information: Mapping[str, bytes]
    patch_states: Mapping[str, bytes]
    nodes: Mapping[str, ManagedNode]


class Ssm:
    """Answers the four operations, from many threads.

    Args:
        state: of the embedded AWS.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._seed = state.settings.seed
        self._pages = Pages(self._seed)
        self._rows: dict[tuple[Target, int], _Rows] = {}
        self._lock = Lock()
        self._patches_of = lru_cache(_NODES_WITH_PATCHES)(self._patches)

    def answer(self, operation: Operation, target: Target, access_key: str, body: bytes) -> SsmAnswer:
        """Answer a call.

        Args:
            operation: the operation of the call.
            target: the account of the caller and the region of the call.
            access_key: the access key that signed the call.
            body: the body of the request.

        Raises:
            ConnectionResetError: the simulated connection breaks before the answer.
        """
        state = self._state
        call = Call(target, operation, blake2b(body, digest_size=16).hexdigest())
        attempt = state.faults.attempt(call)
        state.counts.call(("ssm", operation.value, *target), is_retry=attempt > 1)
        request_id = Dice(self._seed, "request", state.day, *call, attempt).uuid()
        sleep(state.conditions.latency_seconds)
        try:
            self._authorize(call, access_key)
            return SsmAnswer(200, self._body(call, attempt, body), request_id)
        except _ServiceError as error:
            return SsmAnswer(error.status, error.body, request_id)

    def _authorize(self, call: Call, access_key: str) -> None:
        account_id, region = call.target
        conditions = self._state.conditions
        if conditions.disables(call.target):
            raise _ServiceError("UnrecognizedClientException", "The security token included in the request is invalid.")
        if access_key in self._state.expired_sessions:
            raise _ServiceError("ExpiredTokenException", "The security token included in the request is expired.")
        if account_id in conditions.denied_accounts or call.operation in conditions.denied_actions.get(account_id, ()):
            action = f"ssm:{call.operation}"
            raise _ServiceError(
                "AccessDeniedException",
                f"User: arn:aws:sts::{account_id}:assumed-role/patchlake is not authorized to perform: {action} on "
                f"resource: arn:aws:ssm:{region}:{account_id}:* because no identity-based policy allows the {action} "
                "action",
            )
        if str(call.target) in conditions.broken_targets:
            raise _internal_server_error()

    def _body(self, call: Call, attempt: int, body: bytes) -> bytes:
        conditions = self._state.conditions
        request = _decoded(body)
        if call.operation is Operation.PATCH_STATES:
            self._state.counts.ids(len(request.instance_ids or ()))
        _validate(call.operation, request, single_filter_values=conditions.single_filter_values)
        fault = self._state.faults.of(call, attempt, conditions.faults)
        if fault is not None:
            self._state.counts.fault(fault)
        if fault is Fault.THROTTLING:
            raise _ServiceError("ThrottlingException", "Rate exceeded", QuotaCode="L-EXAMPLE0", ServiceCode="ssm")
        if fault is Fault.INTERNAL_ERROR:
            raise _internal_server_error()
        if fault is Fault.CONNECTION_RESET:
            raise ConnectionResetError
        page = self._page(call, attempt, request, conditions)
        return page[: 1 + len(page) // 2] if fault is Fault.TRUNCATED_BODY else page

    def _page(self, call: Call, attempt: int, request: _Request, conditions: Conditions) -> bytes:
        """Return the page that a valid request asks for."""
        chain = Chain(call.target, call.operation, _fingerprint(request))
        start, index = (0, 0) if request.next_token is None else self._resumed(chain, request.next_token)
        if self._state.faults.refuses_token(chain, index, attempt, conditions.faults):
            self._state.counts.fault(Fault.INVALID_NEXT_TOKEN)
            raise _invalid_next_token()
        ids, row = self._answered(call, request, conditions)
        dice = self._pages.dice(chain, self._state.day, index)
        size = page_size(dice, request.max_results or _DEFAULT_RESULTS[call.operation], conditions)
        end = min(start + size, len(ids))
        listed = b",".join(text for text in map(row, ids[start:end]) if text is not None)
        if end < len(ids):
            token = f',"NextToken":"{self._pages.token(chain, self._state.day, end, index + 1)}"'
        else:
            token = ',"NextToken":""' if dice.below(2) else ""
        return b'{"%s":[%s]%s}' % (_LISTS[call.operation], listed, token.encode())

    def _answered(
        self, call: Call, request: _Request, conditions: Conditions
    ) -> tuple[Sequence[str], Callable[[str], bytes | None]]:
        """Return the ids that answer a question, in their order, and the row of each; a node may have none."""
        if call.operation is Operation.PATCHES:
            patches = self._patches_asked_for(call.target, request, conditions)
            return list(patches), patches.__getitem__
        rows = self._rows_of(call.target, self._state.day)
        if call.operation in {Operation.INFORMATION, Operation.PROPERTIES}:
            ids, known, replaced = rows.order, rows.information, conditions.information_answers
        else:
            asked = dict.fromkeys(request.instance_ids or ())
            ids = tuple(sorted(asked, key=lambda instance_id: rows.rank.get(instance_id, -1)))
            known, replaced = rows.patch_states, conditions.patch_state_answers

        def row(instance_id: str) -> bytes | None:
            if instance_id in conditions.vanished_nodes:
                return None
            return replaced[instance_id].encode() if instance_id in replaced else known.get(instance_id)

        return ids, row

    def _patches_asked_for(self, target: Target, request: _Request, conditions: Conditions) -> Mapping[str, bytes]:
        instance_id, day = str(request.instance_id), self._state.day
        if instance_id not in self._rows_of(target, day).nodes or instance_id in conditions.vanished_nodes:
            raise _ServiceError("InvalidInstanceId", "The managed node is not valid, or its agent is not registered.")
        if instance_id in conditions.patch_answers:
            return {str(place): text.encode() for place, text in enumerate(conditions.patch_answers[instance_id])}
        is_rescanned = Dice(self._seed, "rescan", day, instance_id).share() < conditions.rescanned
        return self._patches_of(target, day, instance_id, request.filters, is_rescanned)

    def _patches(
        self,
        target: Target,
        day: int,
        instance_id: str,
        filters: tuple[_Filter, ...],
        is_rescanned: bool,  # noqa: FBT001
    ) -> Mapping[str, bytes]:
        """Return the patches of a node that pass the filters, in an order of their own."""
        states = {state for one in filters if one.key == "State" for state in one.values} or set(PATCH_STATES)
        patches = (
            self._rows_of(target, day).nodes[instance_id].patches(states - {"Missing"} if is_rescanned else states)
        )
        passing = {
            blake2b(f"{self._seed}{patch['KBId']}{patch['Title']}".encode(), digest_size=16).hexdigest(): patch
            for patch in patches
            if all(patch[str(one.key)] in one.values for one in filters)
        }
        return {place: msgspec.json.encode(passing[place]) for place in sorted(passing)}

    def _resumed(self, chain: Chain, token: str) -> tuple[int, int]:
        """Return the start and the number of the page of a token."""
        try:
            return self._pages.resumed(chain, self._state.day, token)
        except ValueError as error:
            raise _invalid_next_token() from error

    def _rows_of(self, target: Target, day: int) -> _Rows:
        with self._lock:
            if (target, day) not in self._rows:
                self._rows = {key: rows for key, rows in self._rows.items() if key[1] == day}
                self._rows[target, day] = self._encoded(target, day)
            return self._rows[target, day]

    def _encoded(self, target: Target, day: int) -> _Rows:
        nodes = self._state.fleet.nodes(target, day)
        encode = msgspec.json.Encoder().encode
        order = tuple(
            sorted(
                (node.instance_id for node in nodes),
                key=lambda instance_id: Dice(self._seed, "order", day, instance_id).below(1 << 64),
            )
        )
        return _Rows(
            order=order,
            rank={instance_id: place for place, instance_id in enumerate(order)},
            information={node.instance_id: encode(node.information) for node in nodes},
            patch_states={node.instance_id: encode(node.patch_state) for node in nodes if node.patch_state is not None},
            nodes={node.instance_id: node for node in nodes},
        )


def _decoded(body: bytes) -> _Request:
    try:
        return msgspec.json.decode(body, type=_Request)
    except msgspec.DecodeError as error:
        raise _ServiceError("SerializationException", str(error)) from error


def _validate(operation: str, request: _Request, *, single_filter_values: bool) -> None:
    match operation:
        case Operation.PATCH_STATES:
            _validate_ids(request.instance_ids)
        case Operation.PATCHES:
            _validate_id(request.instance_id)
            _validate_patch_filters(request.filters, most_values=1 if single_filter_values else None)
        case Operation.INFORMATION | Operation.PROPERTIES if (
            request.filters or request.instance_information_filter_list
        ):
            raise _ServiceError("InvalidFilterKey", "The embedded Systems Manager has no filters of nodes.")
    if request.max_results is not None:
        least = _LEAST_RESULTS[operation]
        if request.max_results < least:
            raise _invalid(
                request.max_results, "maxResults", f"Member must have value greater than or equal to {least}"
            )
        most = _MOST_PROPERTIES if operation == Operation.PROPERTIES else _MOST_RESULTS
        if request.max_results > most:
            raise _invalid(request.max_results, "maxResults", f"Member must have value less than or equal to {most}")


def _validate_ids(ids: list[str] | None) -> None:
    if ids is None:
        raise _invalid(None, "instanceIds", "Member must not be null")
    shown = f"[{', '.join(ids)}]"
    if len(ids) > _MOST_IDS:
        raise _invalid(shown, "instanceIds", f"Member must have length less than or equal to {_MOST_IDS}")
    if not all(_ID_PATTERN.fullmatch(instance_id) for instance_id in ids):
        raise _invalid(shown, "instanceIds", f"Member must satisfy regular expression pattern: {_SHOWN_PATTERN}")


def _validate_id(instance_id: str | None) -> None:
    if instance_id is None:
        raise _invalid(None, "instanceId", "Member must not be null")
    if not _ID_PATTERN.fullmatch(instance_id):
        raise _invalid(instance_id, "instanceId", f"Member must satisfy regular expression pattern: {_SHOWN_PATTERN}")


def _validate_patch_filters(filters: tuple[_Filter, ...], *, most_values: int | None) -> None:
    if len(filters) > _MOST_PATCH_FILTERS:
        raise _invalid(filters, "filters", f"Member must have length less than or equal to {_MOST_PATCH_FILTERS}")
    for one in filters:
        is_known = one.key in _PATCH_FILTERS and (one.key != "State" or PATCH_STATES.keys() >= set(one.values))
        if not is_known or not one.values or len(one.values) > (most_values or len(one.values)):
            raise _ServiceError("InvalidFilter", f"The filter {one.key} is not valid.")


def _fingerprint(request: _Request) -> str:
    """Return the question of a request, which is the same for each of its pages."""
    text = f"{request.max_results} {request.instance_ids}"
    if request.instance_id is not None:
        text += f" {request.instance_id} {request.filters}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _invalid(value: object, member: str, constraint: str) -> _ServiceError:
    shown = "null" if value is None else f"'{value}'"
    return _ServiceError(
        "ValidationException",
        f"1 validation error detected: Value {shown} at '{member}' failed to satisfy constraint: {constraint}",
    )


def _invalid_next_token() -> _ServiceError:
    return _ServiceError("InvalidNextToken", "The specified token is not valid.")


def _internal_server_error() -> _ServiceError:
    return _ServiceError("InternalServerError", "An error occurred on the server side.", status=500)
