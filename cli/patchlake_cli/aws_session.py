"""The session of the AWS SDK, with the profile and region that the user chose."""

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, CredentialRetrievalError, UnknownRegionError

from patchlake.adapters.clients import LimitedSession
from patchlake.adapters.one_line import one_line
from patchlake.errors import ConfigError

_FILES = {"config_file": "AWS_CONFIG_FILE", "credentials_file": "AWS_SHARED_CREDENTIALS_FILE"}
"""The SDK's settings of its own files, by their variables; each has a default."""
_OTHER_FILES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CA_BUNDLE", "BOTO_CONFIG")
"""Other variables with a file that the SDK reads."""
_FILES_OF_PROFILES = ("web_identity_token_file", "ca_bundle")
"""The settings of a profile with a file that the SDK reads."""
_TEXTS_OF_PROFILES = (
    *(*_FILES_OF_PROFILES, "endpoint_url", "services"),
    *("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "credential_process", "credential_source"),
    *("duration_seconds", "external_id", "login_session", "mfa_serial", "region", "role_arn", "role_session_name"),
    *("source_profile", "sso_account_id", "sso_region", "sso_role_name", "sso_session", "sso_start_url"),
)
"""The settings of a profile that are texts, besides those that the SDK lists."""
_BLOCKS_OF_PROFILES = ("s3", "api_versions")
"""The settings of a profile that are blocks of others."""


def new_session(profile: str | None = None, region: str | None = None) -> boto3.Session:
    """Return a session.

    The region is the first of: ``region``, AWS_REGION as in the AWS CLI, and those that the SDK finds on its own
    (AWS_DEFAULT_REGION, the profile's). STS is always that of the region: the sessions of its global endpoint are not
    valid in regions that an account has to enable.

    Raises:
        botocore.exceptions.BotoCoreError: there is no such profile, or the region is no name.
        ConfigError: a setting names a pipe or a device, which may never end; or it is a block where a text is expected,
            or a text where a block is.
    """
    core = LimitedSession(profile=profile)
    for name, file in _files(core):
        if _is_endless(file):
            raise ConfigError(
                f"{file}, the file of {name}, is a pipe or a device, which may never end: expected a file"
            )
    core.set_config_variable("sts_regional_endpoints", "regional")
    session = boto3.Session(botocore_session=core, region_name=region or os.environ.get("AWS_REGION") or None)
    if not (session.region_name or "").isprintable():
        # The SDK accepts a line break at its end, and quotes the signed header that it cannot send.
        raise UnknownRegionError(region_name=session.region_name, error_msg="It has a line break.")
    return session


def _files(core: botocore.session.Session) -> Iterator[tuple[str, str]]:
    """Yield each file that the SDK reads for a session, with the name of its setting; its own files first."""
    for setting, variable in _FILES.items():
        yield variable, _expanded(core.get_config_variable(setting))
    for variable in _OTHER_FILES:
        if file := os.environ.get(variable):
            yield variable, _expanded(file)
    for name, profile in _profiles(core):
        for setting in _FILES_OF_PROFILES:
            if file := profile.get(setting):
                yield f"{setting} of the profile {name}", _expanded(file)


def _profiles(core: botocore.session.Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the profile of a session, and those that it has its credentials from.

    Raises:
        ConfigError: a setting, also of a section that they name, is a block where the SDK expects a text, or a text
            where it expects a block.
    """
    listed = (setting for setting, *_ in core.session_var_map.values() if setting)
    texts = {*_TEXTS_OF_PROFILES, *listed}.difference(_BLOCKS_OF_PROFILES)
    profiles = dict(core.full_config["profiles"])
    name = core.profile or "default"
    while profile := profiles.pop(name, None):
        _require_forms(f"the profile {name}", profile, texts, _BLOCKS_OF_PROFILES)
        sso, services = profile.get("sso_session"), profile.get("services")
        _require_forms(f"the sso-session {sso}", core.full_config.get("sso_sessions", {}).get(sso, {}), texts)
        urls = core.full_config.get("services", {}).get(services, {})
        _require_forms(f"the services {services}", urls, (), tuple(urls))
        yield name, profile
        name = profile.get("source_profile")


def _require_forms(
    section: str, settings: Mapping[str, Any], texts: Collection[str], blocks: Collection[str] = ()
) -> None:
    for setting, value in settings.items():
        if setting in texts and isinstance(value, dict):
            raise ConfigError(f"{setting} of {section} is an indented block: expected a value after its =")
        if setting in blocks and not isinstance(value, dict):
            raise ConfigError(f"{setting} of {section} is a text: expected an indented block of settings below it")


def _expanded(path: str) -> str:
    return os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111  # a Path has no home where the system knows none


def _is_endless(file: str) -> bool:
    """Whether reading a path may never end, as with a pipe that no program writes to; the empty device has an end."""
    try:
        mode = Path(file).stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or Path(file).samefile(os.devnull))


def ca_bundle(session: boto3.Session) -> str | None:
    """Return the file of certificates that the session's clients trust in place of the usual ones; None without one."""
    name = session.profile_name
    profile = name if name in session.available_profiles else None
    found: str | None = botocore.session.Session(profile=profile).get_config_variable("ca_bundle")
    return found


def settings_problem(error: BotoCoreError | ValueError) -> str:
    """Say that a session cannot be opened; an answer without credentials is no mistake in a setting."""
    problem = "give no credentials" if isinstance(error, CredentialRetrievalError) else "cannot be used"
    return f"the AWS settings of your environment or profile {problem}: {one_line(str(error))}"
