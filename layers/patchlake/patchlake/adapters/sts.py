"""Our own identity, and sessions in other accounts: AWS Security Token Service, at the home region's own endpoint.

Tokens of a regional endpoint work in every region, including those that must be enabled.
"""

import re
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, RefreshableCredentials

from patchlake.adapters.aws_errors import AWS_ERRORS, DENIALS, AwsError, Cause, cause_of, code_of, is_refusal
from patchlake.adapters.clients import make_client
from patchlake.adapters.clock import time_in
from patchlake.adapters.explanations import explained, utc_now
from patchlake.adapters.session_credentials import fit_a_header
from patchlake.core.paging import IF_IT_LASTS
from patchlake.core.statuses import ListingStatus
from patchlake.core.targets import ACCOUNT_ID_PATTERN
from patchlake.core.timings import CALL
from patchlake.errors import PatchlakeError, RefusedError, RetryableError, ThrottledError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef

SESSION_NAME = "patchlake"

OTHER_ACCOUNT = "SessionOfOtherAccount"
"""The code of a refusal of our own: AssumeRole answers with a session in another account."""

_ASSUME_ROLE = "AssumeRole"


def caller_account_id(client: "STSClient") -> str:
    """Return the account whose credentials we have.

    Raises:
        RetryableError: STS could not answer.
    """
    try:
        answer: Mapping[str, Any] = client.get_caller_identity()
    except AWS_ERRORS as error:
        msg = f"GetCallerIdentity failed: {explained(error, 'sts:GetCallerIdentity')}"
        raise RetryableError(msg) from error
    match answer:
        case {"Account": str(account_id)} if re.match(ACCOUNT_ID_PATTERN, account_id):
            return account_id
    msg = f"GetCallerIdentity failed: its answer names no account. {IF_IT_LASTS}"
    raise RetryableError(msg)


def account_of_arn(arn: object) -> str | None:
    """Return the account of an ARN; None if it names none."""
    account_id = arn.split(":", 5)[4:5] if isinstance(arn, str) and arn.startswith("arn:") else []
    return next((found for found in account_id if re.match(ACCOUNT_ID_PATTERN, found)), None)


class RoleSessions:
    """Sessions in other accounts, through the role of the same name in each; safe to use from many threads."""

    def __init__(
        self, session: boto3.Session, role_name: str, external_id: str = "", *, attempts: int = CALL.attempts
    ) -> None:
        """Assume roles.

        Args:
            session: of the home account, in the home region.
            role_name: of the role in each account.
            external_id: not sent if it is empty.
            attempts: of the SDK, at each call.
        """
        # Made here, since many threads may assume roles at once.
        self._client: STSClient = make_client(
            session, "sts", Config(retries={"mode": "standard", "total_max_attempts": attempts})
        )
        self._role_name = role_name
        self._external_id = external_id
        self._models: Any = None

    def session(self, account_id: str) -> boto3.Session:
        """Assume the account's role; the session renews its credentials, which end after an hour.

        Raises:
            RefusedError: STS refuses: ``ROLE_NOT_ASSUMABLE``, or ``NOT_LISTED`` for any other code of 4xx that is about
                the role; also later, when a client of the session renews them.
            ThrottledError: STS throttles.
            RetryableError: STS could not answer for now, or does not accept our own request. Both also later.
        """
        renew = partial(self._assume, account_id)
        core = botocore.session.Session()
        credentials = RefreshableCredentials.create_from_metadata(renew(), renew, _AssumedRole.METHOD)
        core.register_component("credential_provider", CredentialResolver([_AssumedRole(credentials)]))
        session = boto3.Session(botocore_session=core)
        # Reading the service models is most of a session's cost, and they are the same for all. boto3 has added its own
        # folder to the loader of each.
        self._models = self._models or core.get_component("data_loader")
        core.register_component("data_loader", self._models)
        return session

    def _assume(self, account_id: str) -> dict[str, Any]:
        role = f"arn:{self._client.meta.partition}:iam::{account_id}:role/{self._role_name}"
        request: AssumeRoleRequestTypeDef = {"RoleArn": role, "RoleSessionName": SESSION_NAME}
        if self._external_id:
            request["ExternalId"] = self._external_id
        try:
            answer: Mapping[str, Any] = self._client.assume_role(**request)
        except AWS_ERRORS as error:
            raise _failure(role, error) from error
        _require_account(role, account_id, answer)
        return _credentials(role, answer)


def _require_account(role: str, account_id: str, answer: "Mapping[str, Any]") -> None:
    """Require that a session is in the account of its role: its rows would have the name of another account.

    STS always names the account; a stand-in for it may leave it out.

    Raises:
        RefusedError: it is in another one.
        RetryableError: the answer has something else in place of an ARN, or two of them.
    """
    user: Mapping[str, Any] = answer.get("AssumedRoleUser", {})
    if "Arn" not in user:
        return
    found = account_of_arn(user["Arn"])
    if found is None:
        msg = f"{role}: AssumeRole failed: its answer does not name one account of the session. {IF_IT_LASTS}"
        raise RetryableError(msg)
    if found != account_id:
        msg = (
            f"{role} cannot be assumed: the answer is a session in account {found}, expected one in {account_id}. It "
            "was not used. Look for a proxy or an endpoint that answers in place of AWS"
        )
        raise RefusedError(ListingStatus.NOT_LISTED, OTHER_ACCOUNT, msg, _ASSUME_ROLE)


def _credentials(role: str, answer: "Mapping[str, Any]") -> dict[str, Any]:
    """Return the credentials of an answer of AssumeRole as the SDK's metadata.

    Raises:
        RetryableError: the answer lacks some of them, or they cannot be used.
    """
    match answer.get("Credentials"):
        case {
            "AccessKeyId": str(access_key),
            "SecretAccessKey": str(secret_key),
            "SessionToken": str(token),
            "Expiration": datetime() as expiration,
        } if access_key and secret_key and token and expiration.tzinfo is not None:
            if not fit_a_header(access_key, secret_key, token):
                msg = f"{role}: AssumeRole failed: the credentials in its answer cannot be used. {IF_IT_LASTS}"
                raise RetryableError(msg)
            if expiration <= (now := utc_now()):
                answered = time_in(answer)
                by_answer = "" if answered is None else f", and {_text(answered)} by the answer"
                msg = (
                    f"{role}: AssumeRole failed: the credentials in its answer expired on {_text(expiration)}; it is "
                    f"{_text(now)} by the clock of this machine{by_answer}. Synchronize the clock if it is wrong. "
                    f"{IF_IT_LASTS}"
                )
                raise RetryableError(msg)
            return {
                "access_key": access_key,
                "secret_key": secret_key,
                "token": token,
                "expiry_time": expiration.isoformat(),
            }
    msg = f"{role}: AssumeRole failed: its answer lacks credentials. {IF_IT_LASTS}"
    raise RetryableError(msg)


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d at %H:%M UTC}"


def _failure(role: str, error: AwsError) -> PatchlakeError:
    code, cause, why = code_of(error), cause_of(error), explained(error, "sts:AssumeRole")
    if cause in DENIALS and is_refusal(error):
        # STS does not distinguish a missing role from one that does not trust us.
        also = ", for a role that exists and trusts it" if cause is Cause.DENIED else ""
        msg = f"{role} cannot be assumed: {why}{also}"
        return RefusedError(ListingStatus.ROLE_NOT_ASSUMABLE, code, msg, _ASSUME_ROLE)
    if is_refusal(error) and cause is not Cause.UNKNOWN_CALLER:
        return RefusedError(ListingStatus.NOT_LISTED, code, f"{role} cannot be assumed: {why}", _ASSUME_ROLE)
    msg = f"{role}: AssumeRole failed: {why}"
    return ThrottledError(msg) if cause is Cause.THROTTLED else RetryableError(msg)


class _AssumedRole(CredentialProvider):
    METHOD = "assume-role"

    def __init__(self, credentials: RefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> RefreshableCredentials:
        return self._credentials
