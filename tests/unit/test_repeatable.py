"""Values that a user gave, as an error may repeat them."""

import pytest

from patchlake.config import VARIABLES
from patchlake.core.repeatable import repeatable
from patchlake.errors import ConfigError
from patchlake_cli.api import LakeError, open_lake


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("s3://someone:secret@bucket/a", "s3://…@bucket/a"),
        ("s3://someone:sec ret@@bucket", "s3://…@bucket"),
        ("https://some?one:secret/@x/a?token=secret", "https://…@x/a?…"),
        ("https://x/a#secret?b", "https://x/a#…"),
        ("s3://bucket/a", "s3://bucket/a"),
        ("someone@example.com asked what?", "someone@example.com asked what?"),
        ("", ""),
    ],
)
def test_an_address_is_repeated_without_its_user_password_query_and_fragment(value: str, shown: str) -> None:
    assert repeatable(value) == shown


def test_a_variable_is_refused_without_the_password_in_its_value() -> None:
    with pytest.raises(ConfigError, match=r"^PATCHLAKE_BUCKET is 's3://…@bucket': expected"):
        VARIABLES["PATCHLAKE_BUCKET"].read("PATCHLAKE_BUCKET", "s3://someone:secret@bucket")


def test_a_location_is_refused_without_the_password_in_it() -> None:
    with pytest.raises(LakeError, match=r"^the location of a lake is 's3://…@bucket/a': expected"):
        open_lake("s3://someone:secret@bucket/a")
