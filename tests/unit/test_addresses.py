"""The addresses of endpoints and proxies that cannot be used are refused before a call."""

import boto3
import pytest

from patchlake.adapters.addresses import require_addresses, require_proxy, without_secrets
from patchlake.adapters.clients import make_client
from patchlake.errors import ConfigError

UNUSABLE = [
    "::::",
    "http://",
    "ftp://x",
    "http://a b",
    "http://h:99999",
    "http://h:port",
    "http://[::1",
    "socks5://x:1",
    "http://x#part",
]
USABLE = ["http://127.0.0.1:4566", "https://proxy.example:8080/", "http://[::1]:80", "HTTPS://EXAMPLE"]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize("address", [*UNUSABLE, "localhost", "//x", ""])
def test_an_endpoint_that_cannot_be_used_is_named_with_the_variables_that_set_it(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        require_addresses("ssm", address)

    assert str(caught.value).startswith(
        f"the endpoint of ssm cannot be used: it is {address!r}, expected http://HOST or https://HOST"
    )
    assert "AWS_ENDPOINT_URL_SSM" in str(caught.value)


@pytest.mark.parametrize("address", ["ftp://someone:secret@x", "http://x/?token=secret", "http://someone:secret@x y"])
def test_an_endpoint_that_cannot_be_used_is_named_without_its_password(address: str) -> None:
    with pytest.raises(ConfigError, match="the endpoint of ssm cannot be used") as caught:
        require_addresses("ssm", address)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no answer from http://someone:secret@x:1/a?b=secret#c.", "no answer from http://x:1/a"),
        ("no answer from http://someone:secret/#@x:1/a", "no answer from http://x:1/a"),
        ('no answer from "https://secret@x/": why?', 'no answer from "https://x/": why?'),
        ("s3://bucket/key is at http://x/, http://y/", "s3://bucket/key is at http://x/, http://y/"),
        ("someone@example.com asked what?", "someone@example.com asked what?"),
    ],
)
def test_an_address_in_a_text_loses_its_user_password_and_query(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize("address", [*UNUSABLE, "http://someone:secret@a b"])
def test_a_proxy_that_cannot_be_used_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.setenv(name, address)

    with pytest.raises(ConfigError, match="HTTPS_PROXY cannot be used as the address of a proxy") as caught:
        require_addresses("ssm", "https://ssm.eu-west-1.amazonaws.com")

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", [*USABLE, "proxy.example", "proxy.example:8080", "//proxy.example"])
def test_a_proxy_that_can_be_used_is_accepted(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", address)

    for endpoint in USABLE:
        require_addresses("ssm", endpoint)


def test_a_proxy_that_is_not_used_may_be_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "::::")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    require_proxy("http://elsewhere")
    require_proxy("https://127.0.0.1")


@pytest.mark.parametrize("address", UNUSABLE)
def test_no_client_is_made_with_an_endpoint_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", address)

    with pytest.raises(ConfigError, match="ssm"):
        make_client(boto3.Session("key", "secret", region_name="eu-west-1"), "ssm")
