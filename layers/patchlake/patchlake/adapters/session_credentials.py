"""The credentials of a session, whose renewal can fail in ways that the SDK does not turn into an error of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from botocore.exceptions import (
    ConnectionClosedError,
    CredentialRetrievalError,
    HTTPClientError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError
from dateutil.parser import ParserError

from patchlake.adapters.one_line import one_line

_BEFORE_A_BODY = " from container metadata: "
_BEFORE_A_VERSION = "Unsupported version "

_NO_ROLE = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""The statuses of instance metadata that are turned off, or of an instance without a role."""


@contextmanager
def renewing_credentials() -> Iterator[None]:
    """Turn every failure of getting credentials into an error of the SDK.

    It raises RuntimeError for credentials that are expired although it has just renewed them, OSError for a
    ``credential_process`` that does not exist, ValueError for one that prints no JSON, RecursionError for JSON without
    an end, ParamValidationError for a role that is none, EOFError if it cannot ask for an MFA code, and errors of
    Python for an answer of another form, as from a proxy: OverflowError for a time that no clock has. It repeats an
    answer that it cannot parse, one of a container with another status, an expiration that is no time, and a version
    that it does not know; each may have the credentials. What a ``credential_process`` says about its failure is kept,
    in one line.

    Raises:
        CredentialRetrievalError: there are none.
    """
    try:
        yield
    except CredentialRetrievalError as error:
        raise _without_an_answer(error) from None
    except (NoConnectionError, HTTPClientError):
        # Some are an OSError, too; they say that no answer came, and not that the credentials are of no use.
        raise
    except RecursionError as error:
        raise CredentialRetrievalError(provider="the session", error_msg="they are nested too deeply") from error
    except EOFError as error:
        no_input = "the profile needs an input, such as an MFA code, and there is no terminal to ask for it"
        raise CredentialRetrievalError(provider="the session", error_msg=no_input) from error
    except (ParserError, ArithmeticError):
        no_time = "they have another form than expected: their expiration is no time"
        raise CredentialRetrievalError(provider="the session", error_msg=no_time) from None
    except (RuntimeError, OSError, ValueError, ParamValidationError) as error:
        raise CredentialRetrievalError(provider="the session", error_msg=one_line(str(error))) from error
    except ResponseParserError:
        malformed = "an answer about them was cut short, or is malformed"
        raise CredentialRetrievalError(provider="the session", error_msg=malformed) from None
    except (TypeError, LookupError, AttributeError) as error:
        unexpected = f"they have another form than expected: {one_line(str(error))}"
        raise CredentialRetrievalError(provider="the session", error_msg=unexpected) from error


def _without_an_answer(error: CredentialRetrievalError) -> CredentialRetrievalError:
    """Return the error in one line, without the parts of an answer in it."""
    given: Any = error.kwargs
    said = given["error_msg"].partition(_BEFORE_A_BODY)[0]
    if said.startswith(_BEFORE_A_VERSION):
        said = "what it prints is not of Version 1"
    return CredentialRetrievalError(provider=given["provider"], error_msg=one_line(said))


def require_metadata(fetcher: Any) -> None:  # noqa: ANN401  # the SDK's, without stubs
    """Let this fetcher of the instance metadata raise an error where a machine has them and no credentials come.

    By itself it takes each failure for a machine without a role.
    """
    send, retrieve = fetcher._session.send, fetcher.retrieve_iam_role_credentials  # noqa: SLF001
    failure: str | None = None

    def noted(request: Any) -> Any:  # noqa: ANN401
        nonlocal failure
        failure = None
        try:
            answer = send(request)
        except (ReadTimeoutError, ConnectionClosedError) as error:
            failure = str(error)
            raise
        if answer.status_code not in _NO_ROLE:
            failure = f"no credentials in the answer, which has status {answer.status_code}"
        return answer

    def retrieve_or_fail() -> dict[str, Any]:
        found: dict[str, Any] = retrieve()
        if not found and failure:
            raise CredentialRetrievalError(provider="the instance metadata", error_msg=failure)
        return found

    fetcher._session.send = noted  # noqa: SLF001
    fetcher.retrieve_iam_role_credentials = retrieve_or_fail


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
