"""The answers of the embedded EC2 before it reads a request: refusals and faults, with EC2's own codes and statuses."""

from hashlib import blake2b
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import parse_qs

import msgspec

from patchlake.core.targets import Target
from patchlake_cli.embedded.aws.faults import Fault
from patchlake_cli.embedded.aws.ssm_calls import Call
from patchlake_cli.embedded.aws.state import State

OPERATIONS: Final = {"DescribeInstances", "DescribeRegions", "DescribeTags"}
"""The operations that can be refused and fail."""


class Refusal(NamedTuple):
    """An error of EC2."""

    status: HTTPStatus
    body: bytes


class Ec2Refusals:
    """The refusals and faults of calls, from many threads.

    Args:
        state: of the embedded AWS.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def of(self, target: Target, access_key: str, form: bytes) -> Refusal | None:
        """Return the error of a call; None if it is answered.

        Args:
            target: the account of the caller and the region of the call.
            access_key: the access key that signed the call.
            form: the body of the request.

        Raises:
            ConnectionResetError: the simulated connection breaks before the answer.
        """
        operation = parse_qs(form.decode()).get("Action", [""])[0]
        if operation not in OPERATIONS:
            return None
        state = self._state
        call = Call(target, operation, blake2b(form, digest_size=16).hexdigest())
        if (refusal := self._refusal(call, access_key)) is not None:
            return refusal
        # The answer itself may still break off, by a draw of its own.
        rates = msgspec.structs.replace(state.conditions.faults, truncated_body=0.0)
        fault = state.faults.of(call, state.faults.attempt(call), rates)
        if fault is None:
            return None
        state.counts.fault(fault)
        match fault:
            case Fault.THROTTLING:
                return _error(HTTPStatus.SERVICE_UNAVAILABLE, "RequestLimitExceeded", "Request limit exceeded.")
            case Fault.CONNECTION_RESET:
                raise ConnectionResetError
            case _:
                return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "An internal error has occurred")

    def _refusal(self, call: Call, access_key: str) -> Refusal | None:
        account_id = call.target.account_id
        conditions = self._state.conditions
        if conditions.disables(call.target):
            return _error(
                HTTPStatus.UNAUTHORIZED,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            )
        if access_key in self._state.expired_sessions:
            return _error(HTTPStatus.BAD_REQUEST, "RequestExpired", "Request has expired.")
        if account_id in conditions.denied_accounts or call.operation in conditions.denied_actions.get(account_id, ()):
            return _error(
                HTTPStatus.FORBIDDEN,
                "UnauthorizedOperation",
                "You are not authorized to perform this operation. User: "
                f"arn:aws:sts::{account_id}:assumed-role/patchlake is not authorized to perform: "
                f"ec2:{call.operation} because no identity-based policy allows the ec2:{call.operation} action",
            )
        return None


def _error(status: HTTPStatus, code: str, message: str) -> Refusal:
    return Refusal(
        status,
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>".encode(),
    )
