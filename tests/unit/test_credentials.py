"""Locations without their credentials, in every spelling."""

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from patchlake.core.credentials import without_credentials

SECRET = "SECRET"  # noqa: S105
FORMS = [
    "https://user:{}@host/list.yaml",
    "HTTPS://user:{}@host:8443/list.yaml?a=b#c",
    "s3://user:{}@bucket/list.yaml",
    "//user:{}@host",
    "https:\\\\user:{}@host\\list.yaml",
    "https ://user:{}@host/list.yaml",
    "s3://bucket/list.yaml,https://user:{}@host/list.yaml",
    "https://host/list.yaml?X-Amz-Signature={}",
    "https://host/list.yaml#{}",
]
ODD = st.text("?#;&@:/\\%[] ab1\t\n\u200b\uff20", max_size=5)


@pytest.mark.parametrize(
    "location",
    [
        "",
        "list.yaml",
        "bucket/list.yaml",
        "s3://bucket/list.yaml",
        "S3://bucket/key@2/list.yaml",
        "https://bucket.s3.amazonaws.com/lists%20of%20n%C3%A4chste/list.yaml",
        "https://host:8443/list.yaml",
        "https://[2001:db8::1]:8443/list.yaml",
        "https://bücher.example/ﬁle.yaml",
        " https://host/list.yaml ",
        "ssm-document:Overrides",
        "ssm-document://Overrides",
        "arn:aws:ssm:eu-central-1:111122223333:document/Overrides",
        "C:\\lists\\list.yaml",
        "\x1b[31m\u202e",
        "100%",
    ],
)
def test_a_location_without_credentials_stays_as_it_is(location: str) -> None:
    assert without_credentials(location) == location


@pytest.mark.parametrize(
    ("location", "stored"),
    [
        ("https://user:SECRET@host/list.yaml", "https://host/list.yaml"),
        ("https://SECRET@host/list.yaml", "https://host/list.yaml"),
        ("https://user:SEC@RET@host/list.yaml", "https://host/list.yaml"),
        ("HTTPS://user:SECRET@host:8443/list.yaml", "HTTPS://host:8443/list.yaml"),
        ("https://host/list.yaml?X-Amz-Credential=SECRET&X-Amz-Signature=SECRET", "https://host/list.yaml"),
        ("https://host/list.yaml&X-Amz-Signature=SECRET", "https://host/list.yaml"),
        ("https://host/list.yaml;session=SECRET", "https://host/list.yaml"),
        ("https://host/list.yaml#SECRET", "https://host/list.yaml"),
        ("https://host/list.yaml?mail=user@SECRET", "https://host/list.yaml"),
        ("s3://bucket/list.yaml?versionId=SECRET", "s3://bucket/list.yaml"),
        ("//user:SECRET@host/list.yaml", "//host/list.yaml"),
        ("https:/user:SECRET@host/list.yaml", "https:/host/list.yaml"),
        ("https:user:SECRET@host/list.yaml", "host/list.yaml"),
        ("user:SECRET@host/list.yaml", "host/list.yaml"),
        ("\\\\user:SECRET@host\\list.yaml", "\\\\host\\list.yaml"),
        (" https://user:SECRET@host/list.yaml", " https://host/list.yaml"),
        ("ssm-document:Overrides?SECRET", "ssm-document:Overrides"),
        ("https://user%3ASECRET%40host/list.yaml", "https://host/list.yaml"),
        ("https%3A%2F%2Fuser%3ASECRET%40host%2Flist.yaml%3FX-Amz-Signature%3DSECRET", "https://host/list.yaml"),
        ("https://host/list.yaml%253FX-Amz-Signature=SECRET", "https://host/list.yaml"),
        ("https\uff1a\uff0f\uff0fuser\uff1aSECRET\uff20host/list.yaml\uff1fSECRET", "https://host/list.yaml"),
        ("?SECRET", ""),
    ],
)
def test_credentials_are_dropped(location: str, stored: str) -> None:
    assert without_credentials(location) == stored


@pytest.mark.parametrize(
    "location",
    [
        "https://user:SEC/RET@host/list.yaml",
        "https://user:SEC?RET@host/list.yaml",
        "https://user:SEC#RET@host/list.yaml",
        "https://user:1/SECRET@host/list.yaml",
        "https://other/list.yaml,https://user:SECRET@host/list.yaml",
    ],
)
def test_only_the_scheme_stays_of_a_location_whose_password_cannot_be_told_from_the_rest(location: str) -> None:
    assert without_credentials(location) == "https://"


@given(form=st.sampled_from(FORMS), before=ODD, after=ODD, escapes=st.integers(0, 3))
@example(form=FORMS[0], before="%", after="/", escapes=0)
def test_no_password_and_no_signature_stays_whatever_its_characters(
    form: str, before: str, after: str, escapes: int
) -> None:
    password = before + SECRET + after
    for _ in range(escapes):
        password = quote(password)

    assert SECRET not in without_credentials(form.format(password))


@given(st.text())
def test_a_stored_location_stays_as_it_is(location: str) -> None:
    stored = without_credentials(location)

    assert without_credentials(stored) == stored


def test_a_value_of_countless_escapes_is_read_in_time() -> None:
    assert without_credentials(f"https://host/%{'25' * 100_000}3F{SECRET}") == "https://host/"
