"""The credentials of a session, whose renewal can fail in ways that the SDK does not turn into an error of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import CredentialRetrievalError


@contextmanager
def renewing_credentials() -> Iterator[None]:
    """Turn every failure of getting credentials into an error of the SDK.

    It raises RuntimeError for credentials that are expired although it has just renewed them, OSError for a
    ``credential_process`` that does not exist, ValueError for one that prints no JSON, and the other errors for one
    whose JSON has another form.

    Raises:
        CredentialRetrievalError: there are none.
    """
    try:
        yield
    except RecursionError:
        # A redirect without an end, in the middle of which a request is signed.
        raise
    except (RuntimeError, OSError, ValueError) as error:
        raise CredentialRetrievalError(provider="the session", error_msg=str(error)) from error
    except (TypeError, LookupError, AttributeError) as error:
        unexpected = f"they have another form than expected: {error}"
        raise CredentialRetrievalError(provider="the session", error_msg=unexpected) from error


def fit_a_header(*values: object) -> bool:
    """Whether a request can be signed and sent with credentials of these values."""
    return all(isinstance(value, str) and value.isascii() and value.isprintable() for value in values)


def renew_readably(client: Any) -> None:  # noqa: ANN401  # each service has its own type
    """Let this boto3 client raise an error of the SDK wherever its credentials cannot be renewed."""
    # The SDK has no setting for this. A test with such credentials shows that this is used.
    signer = client._request_signer  # noqa: SLF001
    if signer._credentials is not None:  # noqa: SLF001
        signer._credentials = _Renewed(signer._credentials)  # noqa: SLF001


class _Renewed:
    """The given credentials, except that a failed renewal raises an error of the SDK."""

    def __init__(self, credentials: Any) -> None:  # noqa: ANN401
        self._credentials = credentials

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._credentials, name)

    def get_frozen_credentials(self) -> Any:  # noqa: ANN401
        """Return the credentials of this moment."""
        with renewing_credentials():
            frozen = self._credentials.get_frozen_credentials()
            if not fit_a_header(frozen.access_key, frozen.secret_key, *filter(None, frozen[2:])):
                msg = "one of the values is no text, or has a character that no credentials have, such as a line break"
                raise ValueError(msg)
            return frozen
