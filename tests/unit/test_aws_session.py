"""The session of the AWS SDK, with settings of the environment and of a profile."""

import os
from pathlib import Path

import pytest
from botocore.exceptions import UnknownRegionError

from patchlake.errors import ConfigError
from patchlake_cli.aws_session import ca_bundle, new_session

FILES = (
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CA_BUNDLE",
    "BOTO_CONFIG",
)


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


@pytest.mark.parametrize("variable", FILES)
@pytest.mark.parametrize("file", ["$HERE/pipe", "~/pipe", "/dev/tty"])
def test_a_variable_with_a_file_that_may_never_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, file: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("HERE", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, file)

    with pytest.raises(ConfigError, match=rf"the file of {variable}, is a pipe or a device, which may never end"):
        new_session()


@pytest.mark.parametrize("name", ["config", "credentials"])
def test_a_pipe_in_the_usual_place_of_a_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / ".aws").mkdir()
    os.mkfifo(tmp_path / ".aws" / name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_CONFIG_FILE")
    monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE", raising=False)

    with pytest.raises(ConfigError, match=f"{tmp_path}/.aws/{name}, the file of AWS_"):
        new_session()


@pytest.mark.parametrize("variable", FILES)
@pytest.mark.parametrize("file", [os.devnull, "/nowhere", "x" * 300])
def test_the_empty_device_and_a_file_that_does_not_exist_are_left_to_the_sdk(
    monkeypatch: pytest.MonkeyPatch, variable: str, file: str
) -> None:
    monkeypatch.setenv(variable, file)

    new_session()


@pytest.mark.parametrize("setting", ["web_identity_token_file", "ca_bundle"])
def test_a_pipe_of_the_chosen_profile_is_refused_and_one_of_another_profile_is_not_read(
    tmp_path: Path, setting: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "config").write_text(
        f"[profile base]\n{setting} = {tmp_path / 'pipe'}\nsource_profile = chosen\n"
        "[profile chosen]\nsource_profile = base\n[profile other]\n"
    )

    with pytest.raises(ConfigError, match=f"the file of {setting} of the profile base, is a pipe"):
        new_session("chosen")
    new_session("other")


@pytest.mark.parametrize(
    "setting",
    [
        *("ca_bundle", "source_profile", "web_identity_token_file", "sso_session", "region"),
        *("endpoint_url", "services", "max_attempts", "defaults_mode", "sdk_ua_app_id"),
    ],
)
def test_a_block_of_settings_in_place_of_a_text_is_refused(tmp_path: Path, setting: str) -> None:
    (tmp_path / "config").write_text(f"[default]\n{setting} =\n  a = b\n")

    with pytest.raises(ConfigError, match=f"^{setting} of the profile default is an indented block: expected a value"):
        new_session()


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("[default]\ns3 = path\n", "s3 of the profile default is a text"),
        ("[default]\ns3 =\n", "s3 of the profile default is a text"),
        ("[default]\napi_versions = x\n", "api_versions of the profile default is a text"),
        ("[default]\nservices = x\n[services x]\nsts = http://y\n", "sts of the services x is a text"),
        (
            "[default]\nsso_session = x\n[sso-session x]\nsso_region =\n  a = b\n",
            "sso_region of the sso-session x is an indented block",
        ),
    ],
)
def test_a_setting_of_the_wrong_form_is_refused_in_each_section_that_the_sdk_reads(
    tmp_path: Path, config: str, complaint: str
) -> None:
    (tmp_path / "config").write_text(config)

    with pytest.raises(ConfigError, match=f"^{complaint}: expected"):
        new_session()


@pytest.mark.parametrize(
    "config",
    [
        "[default]\ns3 =\n  addressing_style = path\nunknown =\n  a = b\n",
        "[default]\nservices = x\n[services x]\nsts =\n  endpoint_url = http://localhost:1\n[services y]\nsts = text\n",
        "[default]\nservices = absent\nsso_session = absent\n",
    ],
)
def test_settings_of_the_right_form_are_left_to_the_sdk(tmp_path: Path, config: str) -> None:
    (tmp_path / "config").write_text(config)

    new_session()


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
