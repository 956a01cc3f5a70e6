"""The credentials of a session, whose renewal can fail in ways that the SDK does not turn into an error of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import CredentialRetrievalError, ParamValidationError
from botocore.parsers import ResponseParserError

_BEFORE_A_BODY = " from container metadata: "


@contextmanager
def renewing_credentials() -> Iterator[None]:
    """Turn every failure of getting credentials into an error of the SDK.

    It raises RuntimeError for credentials that are expired although it has just renewed them, OSError for a
    ``credential_process`` that does not exist, ValueError for one that prints no JSON, RecursionError for JSON without
    an end, ParamValidationError for a role that is none, EOFError if it cannot ask for an MFA code, and errors of
    Python for an answer of another form, as from a proxy: OverflowError for a time that no clock has. For one that it
    cannot parse, and one of a container with another status, it repeats the answer, which may have the credentials.

    Raises:
        CredentialRetrievalError: there are none.
    """
    try:
        yield
    except CredentialRetrievalError as error:
        given: Any = error.kwargs
        said, is_quoted, _ = given["error_msg"].partition(_BEFORE_A_BODY)
        if not is_quoted:
            raise
        raise CredentialRetrievalError(provider=given["provider"], error_msg=said) from None
    except RecursionError as error:
        # The other kind is a redirect without an end, in the middle of which a request is signed.
        if "decoding a JSON" not in str(error):
            raise
        raise CredentialRetrievalError(provider="the session", error_msg="they are nested too deeply") from error
    except EOFError as error:
        no_input = "the profile needs an input, such as an MFA code, and there is no terminal to ask for it"
        raise CredentialRetrievalError(provider="the session", error_msg=no_input) from error
    except (RuntimeError, OSError, ValueError, ParamValidationError) as error:
        raise CredentialRetrievalError(provider="the session", error_msg=str(error)) from error
    except ResponseParserError:
        malformed = "an answer about them was cut short, or is malformed"
        raise CredentialRetrievalError(provider="the session", error_msg=malformed) from None
    except (TypeError, LookupError, AttributeError, ArithmeticError) as error:
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
