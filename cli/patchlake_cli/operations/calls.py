"""Errors of AWS calls, each in one line: a missing permission, throttling, a resource that does not exist."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import msgspec
from botocore.parsers import ResponseParserError

from patchlake.adapters.answer_form import is_object
from patchlake.adapters.aws_errors import AWS_ERRORS, AwsError, refusal_code_of
from patchlake.adapters.explanations import explained
from patchlake.adapters.one_line import one_line
from patchlake.core.paging import IF_IT_LASTS
from patchlake.errors import PatchlakeError
from patchlake_cli.exit_codes import CommandError

type Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with a zone, as a member of a form: one without a zone could mean any."""

MOST_PAGES = 100
"""The most pages of a list: none that a command reads has more than a few."""


class AwsRefusedError(CommandError):
    """AWS refused a call, or could not be reached; ``code`` is the error code of a refusal."""

    def __init__(self, text: str, code: str | None) -> None:
        super().__init__(text)
        self.code = code


@contextmanager
def asking(action: str, resource: str) -> Iterator[None]:
    """Turn any error of a call to AWS into an AwsRefusedError, which is a CommandError.

    Args:
        action: the IAM action that the call needs, as in a policy.
        resource: the resource of the call, in words.
    """
    try:
        yield
    except AWS_ERRORS as error:
        raise AwsRefusedError(failure(error, action, resource), refusal_code_of(error)) from error


def failure(error: AwsError, action: str, resource: str) -> str:
    """Return one line about a failed call: what it means, and what to do."""
    return f"{resource}: {action} failed: {explained(error, action)}"


@contextmanager
def reading_the_lake() -> Iterator[None]:
    """Turn any error of the store and the tables into a CommandError: its text says what is wrong and where."""
    try:
        yield
    except PatchlakeError as error:
        raise CommandError(str(error)) from error


def read_answer[Form](answer: Mapping[str, Any], form: type[Form]) -> Form:
    """Return the members of an answer that a form names; the SDK requires neither that they exist nor their types.

    Raises:
        ResponseParserError: one is absent or of another type; ``asking`` turns it into one line.
    """
    try:
        return msgspec.convert(answer, form)
    except msgspec.ValidationError as error:
        raise _malformed(error) from error


def read_pages[Form](pages: Iterable[Mapping[str, Any]], form: type[Form]) -> list[Form]:
    """Return the members of each page of a list.

    Raises:
        ResponseParserError: as ``read_answer``; or the pages do not end.
    """
    found = [read_answer(page, form) for page in islice(pages, MOST_PAGES + 1)]
    if len(found) > MOST_PAGES:
        msg = f"the answer has more than {MOST_PAGES} pages. {IF_IT_LASTS}"
        raise ResponseParserError(msg)
    return found


def require_about(asked: str, *named: str) -> None:
    """Require that an answer is about the resource that was asked about: a cache may have that of another call.

    Args:
        asked: the resource's name or ARN; with ``*`` at the end, what it begins with.
        named: what the answer names: one resource, or one for each row of a list.

    Raises:
        ResponseParserError: one is another resource; ``asking`` turns it into one line.
    """
    for found in named:
        if not (found.startswith(asked[:-1]) if asked.endswith("*") else found == asked):
            msg = f"the answer is about {one_line(found, most=200)}, not about {asked}"
            raise ResponseParserError(msg)


def read_json[Form](text: bytes, form: type[Form]) -> Form:
    """Return a JSON text of an answer, decoded.

    Raises:
        ResponseParserError: it is not JSON, has another form, or is an error.
    """
    try:
        found = msgspec.json.decode(text, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error) from error
    if form is not Any and not is_object(text, form.__annotations__):
        raise _malformed("it has a member of an error, or one twice")
    return found


def _malformed(error: object) -> ResponseParserError:
    return ResponseParserError(f"the answer is malformed: {error}. {IF_IT_LASTS}")
