"""Credentials from an endpoint that answers as none should: one line, in time, without a traceback or a secret."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from hashlib import sha1
from pathlib import Path

import pytest
from botocore.credentials import ReadOnlyCredentials, SSOProvider
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError
from botocore.utils import ContainerMetadataFetcher

from patchlake.adapters import clients
from patchlake.adapters.one_line import MOST_CHARACTERS
from patchlake_cli.aws_session import new_session
from patchlake_cli.exit_codes import ExitCode
from tests.command_line import patchlake_here
from tests.http_stub import DATE, Answer, HttpStub, Lost, Request, Silent, Trickling, http_stub

SECRET = "hunter2"  # noqa: S105
CREDENTIALS = {
    "AccessKeyId": "AKIATEST",
    "SecretAccessKey": SECRET,
    "Token": "t",
    "Expiration": "2099-01-01T00:00:00Z",
}
START_URL = "https://example.awsapps.com/start"
ROLE = "arn:aws:iam::111122223333:role/reader"
KEYS = f"<AccessKeyId>AKIATEST</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>t</SessionToken>"
UNTIL = "<Expiration>2099-01-01T00:00:00Z</Expiration>"
CALLER = "<AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/reader/p</Arn></AssumedRoleUser>"
COMMANDS = {"check": ("check",), "query": ("query", "--lake", "s3://lake/shared", "SELECT 1")}


def body(**others: object) -> bytes:
    return json.dumps(CREDENTIALS | others).encode()


def session_of(operation: str) -> bytes:
    """Return the answer of STS with a session."""
    session = f"<Credentials>{KEYS}{UNTIL}</Credentials>{CALLER}"
    return f"<{operation}Response><{operation}Result>{session}</{operation}Result></{operation}Response>".encode()


def of_sso() -> bytes:
    keys = {"accessKeyId": "AKIATEST", "secretAccessKey": SECRET, "sessionToken": "t", "expiration": 4_070_908_800_000}
    return json.dumps({"roleCredentials": keys}).encode()


CONFIG_FILE = f"""\
[profile role]
role_arn = {ROLE}
source_profile = keys
[profile keys]
aws_access_key_id = AKIASOURCE
aws_secret_access_key = source
[profile sso]
sso_start_url = {START_URL}
sso_region = eu-central-1
sso_account_id = 111122223333
sso_role_name = reader
"""
SOURCES: dict[str, tuple[dict[str, str], bytes]] = {
    "container": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/credentials"}, body()),
    "instance": ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "{url}", "AWS_EC2_METADATA_DISABLED": "false"}, body()),
    "role": ({"AWS_PROFILE": "role", "AWS_ENDPOINT_URL_STS": "{url}"}, session_of("AssumeRole")),
    "web identity": (
        {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token", "AWS_ENDPOINT_URL_STS": "{url}"},
        session_of("AssumeRoleWithWebIdentity"),
    ),
    "sso": ({"AWS_PROFILE": "sso", "AWS_ENDPOINT_URL_SSO": "{url}"}, of_sso()),
}
"""The places that the SDK asks for credentials by itself: the variables that select each, and its answer."""


@pytest.fixture
def variables(aws: HttpStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, str]]:
    """Return what makes the variables of the environment that select a source."""
    (tmp_path / "config").write_text(CONFIG_FILE)
    (tmp_path / "token").write_text("token")
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    # The SDK names the file so.
    name = sha1(START_URL.encode(), usedforsecurity=False).hexdigest()
    (tmp_path / f"{name}.json").write_text(json.dumps({"accessToken": "t", "expiresAt": "2099-01-01T00:00:00Z"}))
    usual = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_REGION": "eu-central-1",
    }

    def selecting(source: str) -> dict[str, str]:
        own = {name: value.format(url=aws.url, home=tmp_path) for name, value in SOURCES[source][0].items()}
        return usual | own

    return selecting


def answer_with(answer: Answer) -> Callable[[Request], Answer]:
    """Return what answers the questions that lead to the credentials of an instance, and gives an answer about them."""

    def given(request: Request) -> Answer:
        if request.path.endswith("/api/token"):
            return Answer(200, b"token")
        return Answer(200, b"role") if request.path.endswith("/security-credentials/") else answer

    return given


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpStub]:
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    with http_stub() as stub:
        yield stub


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(500, body()), "Received non 200 response 500"),
        (Answer(302, body()), "Received non 200 response 302"),
        (Answer(200, body(Expiration="99999999999999999999")), "they have another form than expected"),
        (Answer(200, body(Expiration="1" * 40 + "-01-01")), "they have another form than expected"),
        (Answer(200, body(Expiration=5)), "they have another form than expected"),
        (Answer(200, b"[1]"), "they have another form than expected"),
        (Answer(200, b"[" * 100_000), "they are nested too deeply"),
        (Answer(200, body()[:-5]), "Unable to parse JSON returned from container metadata services"),
    ],
    ids=["500", "302", "far", "farther", "number", "list", "nested", "cut short"],
)
def test_an_answer_of_a_container_that_has_no_credentials_is_one_line(
    aws: HttpStub, command: tuple[str, ...], answer: Answer, said: str
) -> None:
    aws.answer = lambda _: answer
    environment = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/credentials",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "eu-central-1",
    }

    ended = patchlake_here(environment, *command)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1), ended.stderr
    assert ended.stderr.rstrip().partition(f": {said}")[1], ended.stderr
    assert SECRET not in ended.stderr


@pytest.mark.parametrize("status", [301, 403, 500])
def test_an_error_about_credentials_never_quotes_them(
    aws: HttpStub, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """The SDK makes its own client to get the credentials of IAM Identity Center."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    aws.answer = lambda _: Answer(status, b'{"roleCredentials": {"secretAccessKey": "hunter2", "sess')
    client = new_session(region="eu-central-1").client("sso", endpoint_url=aws.url)

    with pytest.raises(ClientError, match="the answer was cut short, or is malformed") as caught:
        client.get_role_credentials(roleName="r", accountId="111122223333", accessToken="t")

    assert SECRET not in str(caught.value)


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("source", SOURCES)
def test_an_answer_about_credentials_that_trickles_in_ends_a_command_with_one_line(
    aws: HttpStub, variables: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    aws.set_clock(monkeypatch)
    aws.answer = answer_with(Trickling(200, SOURCES[source][1].ljust(3000), whole=100))

    ended = patchlake_here(variables(source), "check")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1), ended.stderr
    assert "Read timeout on endpoint URL" in ended.stderr
    assert ("Retry in a minute" in ended.stderr) is (source not in {"container", "instance"})
    assert SECRET not in ended.stderr


def credentials(environment: dict[str, str]) -> ReadOnlyCredentials | None:
    """Return the credentials that a session finds."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        found = new_session().get_credentials()
        return None if found is None else found.get_frozen_credentials()


@pytest.mark.parametrize("source", SOURCES)
def test_an_answer_about_credentials_may_be_as_large_as_any_other_and_no_larger(
    aws: HttpStub, variables: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    most = 20_000
    monkeypatch.setattr(clients, "LARGEST_ANSWER", most)
    environment, whole = variables(source), SOURCES[source][1]

    aws.answer = answer_with(Answer(200, whole.ljust(most - 1000)))
    found = credentials(environment)
    assert found is not None
    assert found.secret_key == SECRET

    aws.answer = answer_with(Answer(200, whole.ljust(most + 1)))
    with pytest.raises(BotoCoreError, match="Connection was closed"):
        credentials(environment)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(503), "status 503"),
        (Answer(429, body()), "status 429"),
        (Answer(401), "status 401"),
        (Answer(200), "status 200"),
        (Answer(200, body()[:-5]), "status 200"),
        (Answer(200, b'{"Code": "AssumeRoleUnauthorizedAccess", "Message": "m"}'), "status 200"),
        (Lost(), "Connection was closed"),
        (Silent(), "Read timeout"),
    ],
)
def test_an_instance_that_gives_no_credentials_is_not_taken_for_one_without_a_role(
    aws: HttpStub, variables: Callable[[str], dict[str, str]], answer: Answer, said: str
) -> None:
    aws.answer = answer_with(answer)

    with pytest.raises(CredentialRetrievalError, match=f"from the instance metadata: .*{said}"):
        credentials(variables("instance"))


@pytest.mark.parametrize("status", [403, 404])
def test_an_instance_without_a_role_has_no_credentials(
    aws: HttpStub, variables: Callable[[str], dict[str, str]], status: int
) -> None:
    aws.answer = lambda _: Answer(status)

    assert credentials(variables("instance")) is None


def test_a_machine_without_metadata_has_no_credentials(variables: Callable[[str], dict[str, str]]) -> None:
    nowhere = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"}

    assert credentials(variables("instance") | nowhere) is None


@pytest.mark.usefixtures("in_time")
def test_the_region_of_an_instance_is_not_waited_for_without_an_end(
    aws: HttpStub, variables: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.set_clock(monkeypatch)
    aws.answer = lambda _: Trickling(200, b"eu-central-1a".ljust(3000), whole=100)
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    for name, value in (variables("instance") | keys | {"AWS_DEFAULTS_MODE": "auto"}).items():
        monkeypatch.setenv(name, value)

    new_session().client("sts")

    assert aws.requests


TIMES = [f"a{SECRET}", f"a\nb: {SECRET}", f"2099-01-01 00:00:00 {SECRET}", f"0000-01-01 {SECRET}", SECRET * 9000]


@pytest.mark.parametrize("source", ["container", "instance", "role"])
@pytest.mark.parametrize("time", TIMES, ids=["text", "two lines", "zone", "year", "long"])
def test_an_expiration_that_is_no_time_is_not_quoted(
    aws: HttpStub, variables: Callable[[str], dict[str, str]], source: str, time: str
) -> None:
    good = SOURCES[source][1]
    bad = json.dumps(time)[1:-1].encode() if source != "role" else time.encode()
    aws.answer = answer_with(Answer(200, good.replace(b"2099-01-01T00:00:00Z", bad), {"Date": DATE}))

    ended = patchlake_here(variables(source), "check")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1), ended.stderr
    assert ("is malformed" if source == "role" else "their expiration is no time") in ended.stderr
    assert SECRET not in ended.stderr
    assert len(ended.stderr) < MOST_CHARACTERS


KEYS_OF_A_PROCESS: dict[str, object] = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s"}


def process_that(tmp_path: Path, program: str) -> dict[str, str]:
    """Return the variables that select a credential_process."""
    (tmp_path / "process.py").write_text(program)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {sys.executable} {tmp_path / 'process.py'}\n")
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_REGION": "eu-central-1",
    }


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ({"Version": SECRET}, "from custom-process: what it prints is not of Version 1"),
        ({"Version": f"a\nb: {SECRET}"}, "from custom-process: what it prints is not of Version 1"),
        ({"SecretAccessKey": SECRET}, "from custom-process: what it prints is not of Version 1"),
        (KEYS_OF_A_PROCESS | {"Expiration": SECRET}, "expiration is no time"),
        (KEYS_OF_A_PROCESS | {"Expiration": "2099-01-01 00:00:00 AKIAX"}, "they have another form than expected"),
    ],
    ids=["version", "two lines", "no version", "expiration", "zone"],
)
def test_what_a_credential_process_prints_is_not_quoted(tmp_path: Path, printed: dict[str, object], said: str) -> None:
    ended = patchlake_here(process_that(tmp_path, f"print({json.dumps(printed)!r})"), "check")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1), ended.stderr
    assert said in ended.stderr
    assert SECRET not in ended.stderr
    assert "AKIAX" not in ended.stderr


def test_what_a_credential_process_says_about_its_failure_is_one_line_without_control_characters(
    tmp_path: Path,
) -> None:
    program = "import sys; sys.exit('\\x1b[2Jsigned out\\npatchlake: no problem found\\nrun sign-in' + ' x' * 10_000)"

    ended = patchlake_here(process_that(tmp_path, program), "check")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1), ended.stderr
    assert "from custom-process: [2Jsigned out patchlake: no problem found run sign-in x x" in ended.stderr
    assert len(ended.stderr) < 2 * MOST_CHARACTERS
