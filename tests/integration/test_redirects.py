"""Answers that send a client elsewhere: only S3's own is followed, once, to a region that it names."""

from collections.abc import Callable, Iterator, Mapping
from operator import methodcaller
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from patchlake.adapters.aws_errors import Cause, cause_of, passes, status_of
from patchlake.adapters.clients import make_client
from patchlake.bootstrap import bucket_store
from patchlake.errors import PermanentError
from patchlake_cli.lake.engine import open_lake
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.location import LakeLocation
from tests.http_stub import DATE, Answer, HttpStub, Request, http_stub, session

REGION = "x-amz-bucket-region"
CALLS = {
    "ssm": methodcaller("describe_instance_information"),
    "sts": methodcaller("get_caller_identity"),
    "lambda": methodcaller("invoke", FunctionName="plan", Payload=b"{}"),
    "s3": methodcaller("put_object", Bucket="lake", Key="a", Body=b"a"),
}
ABOUT_THE_LAKE = {
    "head_bucket": methodcaller("head_bucket", Bucket="lake"),
    "head_object": methodcaller("head_object", Bucket="lake", Key="a"),
    "get_object": methodcaller("get_object", Bucket="lake", Key="a"),
    "put_object": CALLS["s3"],
    "list_objects_v2": methodcaller("list_objects_v2", Bucket="lake"),
}
NO_NAMES = ["evil.example.com/#", "127.0.0.1:99/", "a b", ""]


@pytest.fixture
def service() -> Iterator[HttpStub]:
    with http_stub() as stub:
        yield stub


@pytest.fixture
def client(service: HttpStub, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    once = Config(retries={"mode": "standard", "total_max_attempts": 1}, s3={"addressing_style": "path"})
    return lambda name: make_client(session(), name, once)


def redirect(status: int, code: str = "", region: str = "", **headers: str) -> Answer:
    named = f"<Region>{region}</Region>" if region else ""
    body = f"<Error><Code>{code}</Code><Message>why</Message>{named}</Error>".encode() if code else b""
    return Answer(status, body, {"Date": DATE, **headers})


def refused(call: Callable[[Any], object], client: Any) -> ClientError:  # noqa: ANN401
    with pytest.raises(ClientError) as caught:
        call(client)
    return caught.value


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("status", "cause"),
    [
        *((status, Cause.REDIRECTED) for status in (301, 307, 308)),
        *((status, Cause.PROXY_ANSWER) for status in (302, 303, 304)),
    ],
)
def test_no_redirect_to_an_address_is_followed_or_made_another_error(
    service: HttpStub, client: Callable[[str], Any], name: str, status: int, cause: Cause
) -> None:
    with http_stub() as elsewhere:
        service.answer = lambda _: redirect(status, Location=elsewhere.url.replace("127.0.0.1", "localhost"))

        error = refused(CALLS[name], client(name))

        assert (status_of(error), cause_of(error)) == (status, cause)
        assert elsewhere.requests == []


@pytest.mark.parametrize("call", ABOUT_THE_LAKE.values(), ids=ABOUT_THE_LAKE)
@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_without_an_end_is_what_it_is_after_two_requests(
    service: HttpStub, client: Callable[[str], Any], call: Callable[[Any], object], status: int
) -> None:
    service.answer = lambda _: redirect(status)

    error = refused(call, client("s3"))

    assert (status_of(error), cause_of(error)) == (status, Cause.PROXY_ANSWER)
    assert len(service.requests) <= 2


@pytest.mark.parametrize("call", ABOUT_THE_LAKE.values(), ids=ABOUT_THE_LAKE)
@pytest.mark.parametrize("name", NO_NAMES)
def test_a_header_that_names_no_region_is_not_followed(
    service: HttpStub, client: Callable[[str], Any], call: Callable[[Any], object], name: str
) -> None:
    service.answer = lambda _: redirect(301, **{REGION: name})

    error = refused(call, client("s3"))

    is_about_the_bucket = error.operation_name == "HeadBucket"
    assert cause_of(error) is (Cause.PROXY_ANSWER if is_about_the_bucket else Cause.REDIRECTED)
    assert passes(error) is is_about_the_bucket
    assert (status_of(error), len(service.requests)) == (301, 1)


@pytest.mark.parametrize("name", NO_NAMES[:-1])
def test_an_error_that_names_no_region_is_about_the_region_and_not_retried(
    service: HttpStub, client: Callable[[str], Any], name: str
) -> None:
    service.answer = lambda _: redirect(400, "AuthorizationHeaderMalformed", name)

    with pytest.raises(PermanentError, match=r"the bucket is in another region \(AuthorizationHeaderMalformed\)"):
        bucket_store(client("s3"), "lake").create("plans/a.json", b"")
    assert len(service.requests) == 1


@pytest.mark.parametrize("headers", [{}, *({REGION: name} for name in NO_NAMES)])
def test_a_redirect_is_told_as_it_is_if_the_bucket_names_no_region_either(
    service: HttpStub, client: Callable[[str], Any], headers: Mapping[str, str]
) -> None:
    def answer(request: Request) -> Answer:
        return redirect(301, **headers) if request.method == "HEAD" else redirect(301, "PermanentRedirect")

    service.answer = answer

    with pytest.raises(PermanentError, match=r"the bucket is in another region \(PermanentRedirect\)"):
        bucket_store(client("s3"), "lake").create("plans/a.json", b"")
    assert [request.method for request in service.requests] == ["PUT", "HEAD"]


@pytest.mark.parametrize("is_named_at_once", [True, False])
@pytest.mark.parametrize("name", ["eu-north-1", "RegionOne"])
def test_a_region_that_the_store_names_is_used(
    service: HttpStub, client: Callable[[str], Any], name: str, *, is_named_at_once: bool
) -> None:
    region = {REGION: name}

    def answer(request: Request) -> Answer:
        if f"/{name}/" in request.headers["Authorization"]:
            return Answer(200, b"content", {"Date": DATE, "ETag": '"1"', **region})
        is_named = request.method == "HEAD" or is_named_at_once
        return redirect(301, **region) if is_named else redirect(301, "PermanentRedirect")

    service.answer = answer

    assert bucket_store(client("s3"), "lake").get("plans/a.json") == b"content"


@pytest.mark.parametrize("status", [302, 303])
def test_a_page_to_sign_in_is_told_of_a_lake_in_a_bucket(
    service: HttpStub, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    service.answer = lambda _: redirect(status, Location=f"{service.url}/sign-in")

    with pytest.raises(LakeError) as caught:
        open_lake(LakeLocation.parse("s3://lake"), session=session())

    expected = f"s3://lake cannot be opened: the answer is not that of AWS, but of a proxy or a cache ({status})"
    assert str(caught.value).startswith(expected)
