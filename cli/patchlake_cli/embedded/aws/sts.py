"""The embedded STS: moto's, but a role can be assumed only where its trust policy would allow it.

Real STS gives the same answer for a role that is missing, one that does not trust the caller, and a wrong external id.
"""

from typing import TYPE_CHECKING, cast

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import AccessDeniedError
from moto.core.request import Request
from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from patchlake_cli.embedded.aws.state import State

if TYPE_CHECKING:
    from moto.sts.models import AssumedRole

CALLER_HEADER = "X-Embedded-Caller"
"""The header in which the application passes on the access key of the caller; moto reads only keys of AWS's form."""


class EmbeddedSts(TokenResponse):
    """One call of STS.

    Args:
        state: of the embedded AWS.
    """

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state
        self._caller = ""

    def answer(self, request: Request, url: str, headers: object) -> TYPE_RESPONSE:
        """Answer the call."""
        self._caller = request.headers.get(CALLER_HEADER, "")
        return self._dispatch(request, url, headers)

    def assume_role(self) -> ActionResult:
        """Let moto make a session in the role's account.

        Raises:
            AccessDeniedError: the role cannot be assumed.
        """
        role = self._get_param("RoleArn", "")
        if not self._may_be_assumed(role, self._get_param("ExternalId")):
            caller = f"arn:aws:sts::{self.current_account}:assumed-role/{self._caller}/patchlake"
            raise AccessDeniedError(caller, f"sts:AssumeRole on resource: {role}")
        session = super().assume_role()
        credentials = cast("dict[str, AssumedRole]", session.result)["Credentials"]
        # Recognizable wherever they should not be.
        credentials.secret_access_key = f"embedded-secret-{credentials.secret_access_key}"
        credentials.session_token = f"embedded-secret-{credentials.session_token}"
        self._state.sessions.add(credentials.access_key_id)
        return session

    def _may_be_assumed(self, role: str, external_id: str | None) -> bool:
        settings, conditions = self._state.settings, self._state.conditions
        accounts = {account.account_id for account in self._state.accounts}
        trusting = accounts - conditions.refused_accounts - conditions.suspended_accounts
        # The access key of a function is the name of its role.
        caller = f"arn:aws:iam::{self.current_account}:role/{self._caller}"
        names = {settings.export_role_name}
        if conditions.trusted_callers is None or caller in conditions.trusted_callers:
            names.add(settings.role_name)
        trusted_roles = {f"arn:aws:iam::{account_id}:role/{name}" for account_id in trusting for name in names}
        return role in trusted_roles and settings.external_id in {None, external_id}
