"""The lake's bucket, in which every object of a run is created once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from botocore.parsers import ResponseParserError

from patchlake.adapters.aws_errors import AWS_ERRORS, AwsError, Cause, cause_of, code_of, passes, status_of
from patchlake.adapters.explanations import explained
from patchlake.adapters.streamed_bodies import read_streamed
from patchlake.adapters.xml_elements import local_name, parsed_xml
from patchlake.core.paging import EMPTY_PAGES
from patchlake.core.timings import CONFLICT_ATTEMPTS, KEYS_SECONDS, conflict_pause_seconds
from patchlake.errors import PatchlakeError, PermanentError, RetryableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PROBE_KEY = "check/conditional-writes"
_WRONG_CHECKSUM = "1B2M2Y8AsgTpgAmY7PhCfg=="
"""The MD5 checksum of no bytes: a body with any byte does not have it."""

_KEYS = "Keys"
_ENDS = "Ends"
"""What a page of a listing says about its end; the SDK reads every text but ``true``, and two of them, as the end."""


class S3Store:
    """``Store`` in a bucket; with a prefix, a lake that shares the bucket with others.

    Every method raises RetryableError if S3 throttles, conflicts (409), fails (5xx) or cannot be reached, and
    PermanentError, with the permission to check, if it refuses.
    """

    def __init__(  # noqa: PLR0913
        self,
        client: "S3Client",
        bucket: str,
        prefix: str = "",
        *,
        pause: Callable[[float], object],
        chance: Callable[[], float],
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        """Use a bucket.

        Args:
            client: of the bucket's region.
            bucket: its name.
            prefix: put before every key, unchanged: end it with a slash.
            pause: waits for some seconds, before a write that conflicted is repeated.
            chance: returns a number in [0, 1), so that writers that conflicted do not conflict again.
            elapsed: returns the seconds since any moment, for the time that a listing takes.
        """
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._pause = pause
        self._chance = chance
        self._elapsed = elapsed
        client.meta.events.register("before-parse.s3.ListObjectsV2", _keep_ends, unique_id=_ENDS)
        client.meta.events.register_first("after-call.s3.ListObjectsV2", _require_keys, unique_id=_KEYS)

    def get(self, key: str) -> bytes | None:
        """Return the object's bytes; None if it does not exist."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            # Read here: a connection may break in the middle of the body.
            body = read_streamed(answer["Body"])
        except AWS_ERRORS as error:
            if code_of(error) == "NoSuchKey" and status_of(error) == HTTPStatus.NOT_FOUND:
                return None
            # Without s3:ListBucket S3 does not distinguish an absent key from a forbidden one.
            raise self._failure(error, "GetObject", "s3:GetObject and s3:ListBucket", key) from error
        self._require_answer(answer, "GetObject", key, is_whole=answer.get("ContentLength") == len(body))
        return body

    def exists(self, key: str) -> bool:
        """Whether the object exists."""
        try:
            answer = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except AWS_ERRORS as error:
            if status_of(error) == HTTPStatus.NOT_FOUND:
                return False
            raise self._failure(error, "HeadObject", "s3:GetObject and s3:ListBucket", key) from error
        self._require_answer(answer, "HeadObject", key)
        return True

    def create(self, key: str, body: bytes | BinaryIO) -> bool:
        """Create the object; return False if it exists already.

        The SDK repeats a PutObject whose answer was lost, and then its own first attempt is the existing object: False
        only means that the object exists. A write that conflicts with another one is repeated, which the SDK does not
        do. One whose answer does not come from S3 is not: the next delivery finds the object, or writes it.
        """
        for attempt in range(CONFLICT_ATTEMPTS - 1):
            if not isinstance(body, bytes):
                body.seek(0)
            with suppress(_ConflictError):
                return self._create(key, body)
            self._pause(conflict_pause_seconds(attempt, self._chance()))
        return self._create(key, body)

    def _create(self, key: str, body: bytes | BinaryIO) -> bool:
        try:
            answer = self._put(key, body)
        except AWS_ERRORS as error:
            if status_of(error) == HTTPStatus.PRECONDITION_FAILED:
                return False
            raise self._failure(error, "PutObject", "s3:PutObject", key) from error
        self._require_answer(answer, "PutObject", key)
        return True

    def require_conditional_writes(self) -> None:
        """Find out, without a write, whether the store accepts a condition.

        The checksum is wrong, so a store that accepts the condition refuses the body. Any other refusal says nothing
        about the keys of a lake.

        Raises:
            PermanentError: it does not, or it stored a body with a wrong checksum.
            RetryableError: it did not answer.
        """
        try:
            answer = self._put(_PROBE_KEY, b"-", ContentMD5=_WRONG_CHECKSUM)
        except AWS_ERRORS as error:
            if cause_of(error) is Cause.NO_CONDITIONAL_WRITES or passes(error):
                raise self._failure(error, "PutObject", "s3:PutObject", _PROBE_KEY) from error
            return
        self._require_answer(answer, "PutObject", _PROBE_KEY)
        msg = (
            f"s3://{self._bucket}/{self._prefix}{_PROBE_KEY}: PutObject stored a body with a wrong checksum: expected "
            "a store that refuses what was damaged on its way. Remove this object, and check that no proxy removes the "
            "header Content-MD5"
        )
        raise PermanentError(msg)

    def _put(self, key: str, body: bytes | BinaryIO, **checksum: str) -> Mapping[str, Any]:
        # upload_file and similar methods cannot pass the condition.
        answer: Mapping[str, Any] = self._client.put_object(
            Bucket=self._bucket, Key=self._prefix + key, Body=body, IfNoneMatch="*", **cast("Any", checksum)
        )
        return answer

    def _require_answer(self, answer: Mapping[str, Any], operation: str, key: str, *, is_whole: bool = True) -> None:
        """Require that an answer about an object is one: a proxy may answer anything with a page and status 200.

        Raises:
            RetryableError: it is not.
        """
        metadata = answer["ResponseMetadata"]
        headers = metadata["HTTPHeaders"]
        # Some stores give an answer without a body that type, too.
        is_html = headers.get("content-type", "").casefold().startswith("text/html")
        is_page = is_html and headers.get("content-length") != "0"
        if metadata["HTTPStatusCode"] != HTTPStatus.OK or not answer.get("ETag") or is_page or not is_whole:
            msg = (
                f"s3://{self._bucket}/{self._prefix}{key}: the answer to {operation} is not that of an object store: "
                "expected status 200, an ETag, no web page, and a body of the length that the answer names. Check that "
                "no proxy answers instead of the store"
            )
            raise RetryableError(msg)

    def keys(self, prefix: str) -> Iterator[str]:
        """List the keys that begin with ``prefix``, in ascending order of their UTF-8 bytes.

        A listing that does not end is given up after ``KEYS_SECONDS``.
        """
        last, pages_without_news = "", 0
        try:
            for page in self._pages(prefix):
                found = self._listed(page, prefix)
                yield from (key.removeprefix(self._prefix) for key in found)
                # Keys ascend, so a listing that ends brings a higher one again and again.
                pages_without_news = 0 if max(found, default="") > last else pages_without_news + 1
                last = max([last, *found])
                if pages_without_news > EMPTY_PAGES:
                    msg = (
                        f"s3://{self._bucket}/{self._prefix}{prefix}: ListObjectsV2 returned {pages_without_news} "
                        "pages in a row without a new key, but with a token for another page"
                    )
                    raise RetryableError(msg)
        except AWS_ERRORS as error:
            raise self._failure(error, "ListObjectsV2", "s3:ListBucket", prefix) from error

    def _pages(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        """Yield the pages of a listing; only the time of the calls counts, and not that of their reader."""
        pages: Iterable[Mapping[str, Any]] = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        remaining = iter(pages)
        spent = 0.0
        while spent <= KEYS_SECONDS:
            began = self._elapsed()
            page = next(remaining, None)
            if page is None:
                return
            spent += self._elapsed() - began
            yield page
        msg = (
            f"s3://{self._bucket}/{self._prefix}{prefix}: ListObjectsV2 has not ended after {spent:.0f} seconds, and "
            "still returns a token for another page"
        )
        raise RetryableError(msg)

    def _listed(self, page: Mapping[str, Any], prefix: str) -> list[str]:
        found = [content.get("Key") for content in page.get("Contents", [])]
        # The SDK takes a page without a token for the last one, even if it says that there are more.
        is_last = page[_ENDS] == ["false"]
        has_more = page[_ENDS] == ["true"] and isinstance(page.get("NextContinuationToken"), str)
        start = self._prefix + prefix
        keys = [key for key in found if isinstance(key, str) and key and key.startswith(start)]
        expected = max(len(found), page.get("KeyCount", 0))
        is_of_another = page.get("Prefix", start) != start
        if is_of_another or len(keys) < expected or not (is_last or (has_more and page["NextContinuationToken"])):
            msg = f"s3://{self._bucket}/{start}: the answer to ListObjectsV2 is not a listing"
            raise RetryableError(msg)
        return keys

    def _failure(self, error: AwsError, operation: str, permissions: str, key: str) -> PatchlakeError:
        where = f"s3://{self._bucket}/{self._prefix}{key}"
        why = explained(error, permissions)
        if cause_of(error) is Cause.CONFLICT:
            return _ConflictError(f"{where}: {operation} failed for now: {why}")
        if passes(error):
            return RetryableError(f"{where}: {operation} failed for now: {why}")
        return PermanentError(f"{where}: {operation} was refused: {why}")


class _ConflictError(RetryableError):
    """Another write of the same object was under way."""


def _keep_ends(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Keep what the page says about its end."""
    root = parsed_xml(response_dict["body"])
    members = [] if root is None else list(root)
    ends = [member for member in members if local_name(member) == "IsTruncated"]
    customized_response_dict[_ENDS] = [None if len(end) or end.attrib else end.text for end in ends]


def _require_keys(parsed: Mapping[str, Any], **_: object) -> None:
    """Require the members that the SDK's own handler decodes, unless the answer is an error."""
    for members, name in (("Contents", "Key"), ("CommonPrefixes", "Prefix")):
        if not all(name in member for member in parsed.get(members, [])):
            msg = f"the answer is not a listing: a member of {members} has no {name}"
            raise ResponseParserError(msg)
