"""The session of the AWS SDK, with settings of the environment and of a profile."""

from pathlib import Path

import pytest
from botocore.exceptions import UnknownRegionError

from patchlake_cli.aws_session import ca_bundle, new_session


@pytest.fixture(autouse=True)
def _profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text("[profile office]\nca_bundle = office.pem\n[profile plain]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))


def test_certificates_of_a_network_come_from_the_profile_and_no_other_one() -> None:
    assert ca_bundle(new_session("office")) == "office.pem"
    assert ca_bundle(new_session("plain")) is None
    assert ca_bundle(new_session()) is None


def test_certificates_of_a_network_come_from_the_profile_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "office")

    assert ca_bundle(new_session()) == "office.pem"


def test_the_environment_names_certificates_for_every_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "environment.pem")

    assert ca_bundle(new_session()) == "environment.pem"
    assert ca_bundle(new_session("plain")) == "environment.pem"


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_a_region_with_a_line_break_is_refused_before_a_request_is_signed(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "eu-central-1\n")

    with pytest.raises(UnknownRegionError):
        new_session()


def test_sts_is_that_of_the_region_whatever_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")

    client = new_session(region="eu-central-1").client("sts")

    assert client.meta.endpoint_url == "https://sts.eu-central-1.amazonaws.com"
