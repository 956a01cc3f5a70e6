"""``patchlake probe`` by real HTTP: against the embedded AWS, and against services that answer badly or not at all."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from boto3 import Session

from patchlake.sources.patches import PATCHES
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.probe import probing
from patchlake_cli.probe.answers import Answer as Given
from patchlake_cli.probe.answers import NoAnswer
from patchlake_cli.probe.assumptions import ASSUMPTIONS
from patchlake_cli.probe.calls import MOST_CALLS, SECONDS_BETWEEN_CALLS, PacedCalls, Timing
from tests.command_line import patchlake_here, variables
from tests.http_stub import DATE, Answer, HttpStub, Request, http_stub
from tests.integration.conftest import ACCOUNTS

HOME = "111122223333"
MARKER = "zqmarker"
LISTS = ("InstanceInformationList", "InstanceProperties", "InstancePatchStates", "Patches")
ROOT = Path(__file__).parents[2]


class Time:
    """A clock that moves only while the probe waits."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.elapsed += seconds
        self.pauses.append(seconds)

    @property
    def timing(self) -> Timing:
        return Timing(lambda: datetime(2026, 11, 23, 6, tzinfo=UTC), lambda: self.elapsed, self.sleep)


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    found = Time()
    monkeypatch.setattr(probing, "TIMING", found.timing)
    return found


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with http_stub() as found:
        yield found


def shell(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": f"AKIA{MARKER}",
        "AWS_SECRET_ACCESS_KEY": MARKER,
        "AWS_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PATH": "/usr/bin:/bin",
    }


def probed(environment: dict[str, str]) -> tuple[int, dict[str, Any], str]:
    """Return the exit code, the JSON object, and everything printed in both forms."""
    ended = patchlake_here(environment, "probe", "--json")
    page = patchlake_here(environment, "probe")
    assert ended.returncode == page.returncode
    printed = ended.stdout + ended.stderr + page.stdout + page.stderr
    assert "Traceback" not in printed
    return ended.returncode, json.loads(ended.stdout), printed


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    return {finding["assumption"]: finding["verdict"] for finding in found["findings"]}


def refuted(found: dict[str, Any]) -> set[str]:
    return {name for name, verdict in verdicts(found).items() if verdict == "REFUTED"}


def of_service(request: Request) -> str:
    match = re.search(r"/(ssm|ec2)/aws4_request", request.headers["Authorization"])
    assert match is not None
    return match[1]


def test_the_embedded_aws_passes_the_probe(aws: EmbeddedAws, time: Time) -> None:
    aws.change(short_pages=0.0, empty_pages=0.0)

    code, found, _ = probed(variables(aws.endpoint))

    assert (code, refuted(found)) == (0, set()), found
    unseen = {name for name, verdict in verdicts(found).items() if verdict == "NOT_OBSERVABLE"}
    assert (
        {"ssm_throttling", "ec2_throttling"}
        <= unseen
        <= {
            *("ssm_throttling", "ec2_throttling", "year_one", "severity_counts", "patch_counts"),
        }
    ), found["findings"]
    assert sum(operation["calls"] for operation in found["calls"]) <= MOST_CALLS
    assert set(time.pauses) <= {SECONDS_BETWEEN_CALLS}


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_short_and_empty_pages_refute_nothing(aws: EmbeddedAws, share: float) -> None:
    aws.change(short_pages=share, empty_pages=0.1)

    _, found, _ = probed(variables(aws.endpoint))

    assert refuted(found) == set(), found["findings"]
    assert sum(operation["calls"] for operation in found["calls"]) <= MOST_CALLS


def test_a_filter_with_one_value_only_refutes_the_assumption_about_several(aws: EmbeddedAws) -> None:
    aws.change(single_filter_values=True, short_pages=0.0, empty_pages=0.0)

    code, found, _ = probed(variables(aws.endpoint))

    assert (code, verdicts(found)["patch_filter"]) == (3, "REFUTED")


@pytest.mark.parametrize(
    ("operation", "unseen"),
    [
        ("DescribeInstanceInformation", {"node_list", "node_pages", "stopped_nodes", "page_seconds"}),
        ("DescribeInstancePatchStates", {"patch_state_ids", "patch_state_pages", "patch_counts", "severity_counts"}),
        ("DescribeInstancePatches", {"patch_pages", "patch_filter", "patch_spelling", "cve_ids"}),
        ("DescribeInstanceProperties", {"node_list"}),
    ],
)
def test_an_operation_that_is_denied_is_asked_once_and_shows_nothing(
    aws: EmbeddedAws, operation: str, unseen: set[str]
) -> None:
    aws.change(denied_actions={HOME: frozenset({operation})}, short_pages=0.0, empty_pages=0.0)

    _, found, printed = probed(variables(aws.endpoint))

    assert refuted(found) == set(), found["findings"]
    assert {verdicts(found)[name] for name in unseen} == {"NOT_OBSERVABLE"}
    [calls] = [each["calls"] for each in found["calls"] if each["operation"] == f"ssm:{operation}"]
    assert calls == 1
    assert f"ssm:{operation}: access denied (AccessDeniedException)" in printed


def test_no_id_name_address_or_account_of_the_fleet_is_printed(aws: EmbeddedAws) -> None:
    _, _, printed = probed(variables(aws.endpoint))

    assert "partition aws" in printed
    for target in aws.fleet.targets:
        for node in aws.fleet.nodes(target, 0):
            texts = {str(value) for value in node.information.values() if isinstance(value, str) and len(value) > 8}
            assert {
                text for text in texts if text in printed and text not in {"EC2Instance", "ManagedInstance"}
            } == set()
    for account in aws.settings.account_list():
        assert account.account_id not in printed
    assert len(aws.settings.account_list()) == ACCOUNTS
    assert re.search(r"\bm?i-[0-9a-f]{8}|arn:|\b\d{12}\b|\b\d+\.\d+\.\d+\.\d+\b|127\.0\.0\.1|pb-", printed) is None


def json_answer(members: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(members).encode())


def refusal_named(request: Request, code: str, status: int) -> Answer:
    headers = {"Date": DATE, "Location": f"http://{MARKER}", "x-amzn-requestid": MARKER}
    if of_service(request) == "ec2":
        error = f"<Error><Code>{code}</Code><Message>{MARKER}</Message></Error>"
        return Answer(status, f"<Response><Errors>{error}</Errors></Response>".encode(), headers)
    return Answer(status, json.dumps({"__type": code, "message": MARKER, "QuotaCode": MARKER}).encode(), headers)


def ec2_answer(request: Request, members: str) -> Answer:
    """Answer any operation of EC2 with these members."""
    operation = parse_qs(request.body.decode())["Action"][0]
    return Answer(200, f"<{operation}Response>{members}</{operation}Response>".encode())


def everything_marked(request: Request) -> Answer:
    """Answer with marked texts in every place where AWS could name something; tokens never end."""
    if of_service(request) == "ec2":
        item = f"<item><instanceId>i-{MARKER}</instanceId><instanceState><name>{MARKER}</name></instanceState>"
        item += f"<tagSet><item><key>{MARKER}</key><value>{MARKER}</value></item></tagSet></item>"
        tags = (
            f"<tagSet><item><key>{MARKER}</key><value>{MARKER}</value><resourceId>{MARKER}</resourceId></item></tagSet>"
        )
        sets = f"<reservationSet><item><instancesSet>{item}</instancesSet></item></reservationSet>"
        return ec2_answer(request, f"{sets}{tags}<nextToken>{MARKER}</nextToken>")
    row: dict[str, object] = dict.fromkeys(
        ("Name", "ComputerName", "IPAddress", "Title", "KBId", "State", "CVEIds", "BaselineId", "PatchGroup"), MARKER
    )
    row |= {"InstanceId": "i-0123456789abcdef0", "OperationEndTime": MARKER, "MissingCount": 1, "FailedCount": 1}
    return json_answer({**{name: [row] for name in LISTS}, "NextToken": MARKER})


HOSTILE = {
    "tokens without an end": everything_marked,
    "a body that is cut": lambda _: Answer(200, b'{"InstanceInformationList": [{"Insta'),
    "no list": lambda _: json_answer({}),
    "an error with status 200": lambda _: json_answer({"__type": MARKER, "InstanceInformationList": []}),
    "a list of something else": lambda _: json_answer({name: [1, MARKER] for name in LISTS}),
    "a token that is no text": lambda _: json_answer({"InstanceInformationList": [], "NextToken": 7}),
    "deep nesting": lambda _: Answer(200, b'{"Patches":' + b"[" * 100_000),
    "a web page": lambda _: Answer(403, f"<html>{MARKER}</html>".encode(), {"Content-Type": "text/html"}),
    "a failure": lambda _: json_answer({"__type": "InternalServerError", "message": MARKER}, 500),
    "a refusal with a name as its code": lambda _: json_answer({"__type": f"{MARKER}-1", "message": MARKER}, 400),
    "a refusal with words as its code": lambda request: refusal_named(request, MARKER.title(), 400),
    "a throttle with a name in its code": lambda request: refusal_named(request, f"{MARKER.title()}Throttled", 400),
    "a failure with a name as its code": lambda request: refusal_named(request, MARKER.title(), 503),
    "a redirection": lambda request: refusal_named(request, MARKER.title(), 302),
    "a denial": lambda _: json_answer(
        {"__type": "AccessDeniedException", "message": f"arn:aws:iam::{HOME}:user/{MARKER} may not"}, 400
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_service_shows_nothing_and_its_words_are_not_printed(stub: HttpStub, name: str) -> None:
    stub.answer = HOSTILE[name]

    ended = patchlake_here(shell(stub.url), "probe", "--json")
    asked = len(stub.requests)
    page = patchlake_here(shell(stub.url), "probe")

    printed = ended.stdout + ended.stderr + page.stdout + page.stderr
    assert MARKER not in printed.casefold()
    assert "0123456789abcdef0" not in printed
    assert HOME not in printed
    assert "Traceback" not in printed
    assert asked <= MOST_CALLS
    if name == "a web page":
        assert ended.stdout == page.stdout == ""
    else:
        assert len(json.loads(ended.stdout)["findings"]) == len(ASSUMPTIONS)
    if name not in {"tokens without an end", "a list of something else"}:
        assert (ended.returncode, page.returncode) == (1, 1)
        assert len(ended.stderr.splitlines()) == 1


def test_after_a_throttled_call_the_service_is_not_asked_again(stub: HttpStub) -> None:
    body = {"__type": "ThrottlingException", "message": MARKER, "QuotaCode": "L-0263D0A3", "ServiceCode": "ssm"}
    stub.answer = lambda request: (
        Answer(503, b"<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>")
        if of_service(request) == "ec2"
        else json_answer(body, 400)
    )

    code, found, printed = probed(shell(stub.url))

    assert [of_service(request) for request in stub.requests[:2]] == ["ec2", "ssm"]
    assert len(stub.requests) == 4
    assert code == 1
    assert {verdicts(found)[name] for name in ("ssm_throttling", "ec2_throttling")} == {"CONFIRMED"}
    assert found["throttles"][1]["quota_code"] == "L-0263D0A3"
    assert MARKER not in printed


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, b'{"__type": "InternalServerError"}'),
        Answer(503, b""),
        Answer(200, b'{"__type": "ThrottlingException"}'),
        Answer(200, b""),
        json_answer({name: [] for name in LISTS} | {"Error": {"Code": "Throttling"}}),
        json_answer({name: [] for name in LISTS} | {"Output": {"__type": "InternalFailure"}}),
        json_answer({name: [] for name in LISTS} | {"NextToken": "\ud800"}),
        Answer(200, b"<r><reservationSet/><tagSet/><error>no</error></r>"),
        Answer(200, b"<ErrorResponse><reservationSet/><tagSet/></ErrorResponse>"),
        Answer(200, b"<r><reservationSet><item/></reservationSet></r>"),
        Answer(200, f"{{{', '.join(f'{json.dumps(name)}: [{{}}]' for name in [*LISTS, *LISTS])}}}".encode()),
    ],
)
def test_a_service_that_fails_three_times_in_a_row_is_not_asked_again(stub: HttpStub, answer: Answer) -> None:
    stub.answer = lambda _: answer

    patchlake_here(shell(stub.url), "probe")

    # EC2's protocol has no errors with status 200, and an empty body is no answer of it either.
    assert Counter(map(of_service, stub.requests)) == {"ec2": 3, "ssm": 3}


@pytest.mark.parametrize("status", [302, 408, 409, 503])
@pytest.mark.parametrize("code", ["InvalidInstanceId", "InvalidFilterKey"])
def test_the_code_of_an_answer_that_is_no_refusal_refutes_nothing(stub: HttpStub, status: int, code: str) -> None:
    node = {"InstanceId": "i-0123456789abcdef0", "MissingCount": 1, "FailedCount": 0}

    def answer(request: Request) -> Answer:
        if of_service(request) == "ec2":
            return ec2_answer(request, "<reservationSet/><tagSet/>")
        asked = json.loads(request.body)
        if len(asked.get("InstanceIds", [])) > 1 or "Filters" in asked:
            return refusal_named(request, code, status)
        return json_answer({name: [node] for name in LISTS[:3]} | {"Patches": []})

    stub.answer = answer

    _, found, printed = probed(shell(stub.url))

    assert {verdicts(found)[name] for name in ("unknown_node", "patch_filter")} == {"NOT_OBSERVABLE"}, printed
    stub.answer = lambda request: (
        answer(request) if answer(request).status != status else refusal_named(request, code, 400)
    )
    assert refuted(probed(shell(stub.url))[1]) & {"unknown_node", "patch_filter"}


@pytest.mark.parametrize(
    "answer", [Answer(429, b"<html>Slow down</html>"), Answer(429), Answer(429, b'{"__type": "AccessDeniedException"}')]
)
def test_a_proxy_that_throttles_shows_nothing_about_the_throttling_of_a_service(stub: HttpStub, answer: Answer) -> None:
    stub.answer = lambda _: answer

    ended = patchlake_here(shell(stub.url), "probe", "--json")

    assert {verdicts(json.loads(ended.stdout))[name] for name in ("ssm_throttling", "ec2_throttling")} == {
        "NOT_OBSERVABLE"
    }


@pytest.mark.parametrize(
    ("members", "status", "headers"),
    [
        ("<reservationSet/><tagSet/>", 202, {}),
        ("<reservationSet/><tagSet/>", 206, {}),
        ("<reservationSet/><tagSet/>", 200, {"x-amzn-errortype": "InternalError"}),
        ('<reservationSet nil="true"/><tagSet nil="true"/>', 200, {}),
        ("<reservationSet>no</reservationSet><tagSet>no</tagSet>", 200, {}),
        ("<reservationSet/><tagSet/><error>no</error>", 200, {}),
    ],
)
def test_an_answer_of_ec2_that_export_refuses_is_no_empty_list(
    stub: HttpStub, members: str, status: int, headers: dict[str, str]
) -> None:
    def answer(request: Request) -> Answer:
        if of_service(request) == "ec2":
            return Answer(status, ec2_answer(request, members).body, headers)
        return json_answer({name: [] for name in LISTS})

    stub.answer = answer

    _, found, printed = probed(shell(stub.url))

    of_name = verdicts(found)
    assert {of_name[name] for name in ("instance_pages", "stopped_nodes", "tag_wildcards")} == {"NOT_OBSERVABLE"}
    assert "the answer is malformed" in printed


def test_a_text_that_is_not_utf_8_ends_nothing(stub: HttpStub) -> None:
    lists = ", ".join(f'"{name}": [{{"InstanceId": "\xff"}}]' for name in LISTS)
    stub.answer = lambda request: (
        Answer(200, f"{{{lists}}}".encode("latin-1"))
        if of_service(request) == "ssm"
        else ec2_answer(request, "<reservationSet/><tagSet/>")
    )

    _, found, printed = probed(shell(stub.url))

    assert verdicts(found)["node_list"] == "NOT_OBSERVABLE"
    assert "malformed rows" in printed


@pytest.mark.parametrize("value", [float("nan"), True, False, "0", "2026-01-01T00:00:00Z"], ids=repr)
def test_a_time_that_is_no_number_shows_nothing_about_times(stub: HttpStub, value: object) -> None:
    node = {"InstanceId": "i-0123456789abcdef0", "MissingCount": 1}
    patch = {"State": "Missing", "Title": "a", "KBId": "KB1", "InstalledTime": value}
    stub.answer = lambda request: (
        json_answer({name: [node] for name in LISTS} | {"Patches": [patch]})
        if of_service(request) == "ssm"
        else ec2_answer(request, "<reservationSet/><tagSet/>")
    )

    _, found, _ = probed(shell(stub.url))

    assert verdicts(found)["installed_time"] == "NOT_OBSERVABLE"


def test_failures_between_answers_end_nothing(stub: HttpStub) -> None:
    def answer(request: Request) -> Answer:
        if len(stub.requests) % 3:
            return Answer(500)
        return json_answer({name: [] for name in LISTS}) if of_service(request) == "ssm" else Answer(500)

    stub.answer = answer

    patchlake_here(shell(stub.url), "probe")

    assert Counter(map(of_service, stub.requests))["ssm"] > 3


def test_a_region_without_nodes_and_instances_shows_the_limits_only(stub: HttpStub) -> None:
    def answer(request: Request) -> Answer:
        if of_service(request) == "ec2":
            return ec2_answer(request, "<reservationSet/><tagSet/>")
        asked = json.loads(request.body)
        if asked.get("MaxResults", 0) in {51, 100} or len(asked.get("InstanceIds", ())) > 50:
            return json_answer({"__type": "ValidationException", "message": "no"}, 400)
        return json_answer({name: [] for name in LISTS})

    stub.answer = answer

    code, found, _ = probed(shell(stub.url))

    of_name = verdicts(found)
    assert (of_name["node_pages"], of_name["patch_state_ids"], of_name["patch_state_pages"]) == ("CONFIRMED",) * 3
    assert (of_name["node_list"], of_name["patch_pages"], of_name["patch_filter"]) == ("NOT_OBSERVABLE",) * 3
    # EC2 accepted 1,001 here, with no row.
    assert (code, of_name["instance_pages"]) == (0, "NOT_OBSERVABLE")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_without_credentials_it_is_one_line(stub: HttpStub, form: tuple[str, ...]) -> None:
    environment = {name: value for name, value in shell(stub.url).items() if "KEY" not in name}

    ended = patchlake_here(environment, "probe", *form)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "patchlake: nothing can be observed: no AWS credentials found, or only some of them (NoCredentialsError). "
        "Run `aws configure`, or select a profile with --profile\n"
    )
    assert stub.requests == []


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_refused_role_of_the_profile_is_named_and_not_taken_for_a_refusal_of_ssm(
    stub: HttpStub, tmp_path: Path, form: tuple[str, ...]
) -> None:
    config = tmp_path / "config"
    role = f"arn:aws:iam::{HOME}:role/{MARKER}"
    config.write_text(f"[profile r]\nrole_arn = {role}\ncredential_source = Environment\n", encoding="utf-8")
    error = f"<Error><Code>AccessDenied</Code><Message>{MARKER}</Message></Error>"
    stub.answer = lambda _: Answer(403, f"<ErrorResponse>{error}</ErrorResponse>".encode(), {"Date": DATE})

    ended = patchlake_here(shell(stub.url) | {"AWS_CONFIG_FILE": str(config)}, "probe", "--profile", "r", *form)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "patchlake: nothing can be observed: sts:AssumeRole: access denied (AccessDenied). The calling identity needs "
        "sts:AssumeRole\n"
    )
    assert len(stub.requests) == 1


@pytest.mark.parametrize(("failures", "is_answered"), [(1, True), (2, True), (3, False)])
def test_only_the_third_failure_of_sts_in_a_row_ends_the_calls_with_a_role_of_the_profile(  # noqa: PLR0913
    stub: HttpStub,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    failures: int,
    is_answered: bool,
) -> None:
    config = tmp_path / "config"
    role = f"arn:aws:iam::{HOME}:role/r"
    config.write_text(f"[profile r]\nrole_arn = {role}\ncredential_source = Environment\n", encoding="utf-8")
    for name, value in (shell(stub.url) | {"AWS_CONFIG_FILE": str(config), "AWS_MAX_ATTEMPTS": "1"}).items():
        monkeypatch.setenv(name, value)
    members = {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", "Expiration": "2099-01-01T00:00:00Z"}
    credentials = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    result = f"<AssumeRoleResult><Credentials>{credentials}</Credentials></AssumeRoleResult>"
    of_sts = [Answer(503)] * failures + [Answer(200, f"<AssumeRoleResponse>{result}</AssumeRoleResponse>".encode())]
    stub.answer = lambda request: (
        of_sts.pop(0) if b"Action=AssumeRole" in request.body else json_answer({"Patches": []})
    )
    calls = PacedCalls(Session(profile_name="r", region_name="eu-central-1"), time.timing)

    answers = [calls.ask(PATCHES.operation, {"InstanceId": "i-1"}) for _ in range(failures + 1)]

    assert isinstance(answers[-1], Given) is is_answered
    assert not any(isinstance(answer, Given) for answer in answers[:-1])


@pytest.mark.parametrize("region", ["mars", "EU-CENTRAL-1", "aws-global", "eu-central-1 ", "eu-central-1\n", "a/b"])
def test_a_region_that_is_none_is_one_sentence(stub: HttpStub, region: str) -> None:
    ended = patchlake_here(shell(stub.url), "probe", "--region", region)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"patchlake: no partition of AWS has a region {region!r}: correct --region, AWS_REGION, or the region of your "
        "profile\n"
    )
    assert stub.requests == []


def test_each_probed_assumption_is_one_line_of_the_page() -> None:
    page = (ROOT / "docs" / "aws-assumptions.md").read_text(encoding="utf-8")

    named = [
        name for cell in re.findall(r"`patchlake probe`: ([`\w, ]+)", page) for name in re.findall(r"`(\w+)`", cell)
    ]

    assert sorted(named) == sorted(assumption.name for assumption in ASSUMPTIONS)
    assert len(set(named)) == len(named)


def test_the_sixty_first_call_is_not_made(stub: HttpStub, time: Time) -> None:
    stub.answer = lambda _: json_answer({"Patches": []})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", stub.url)
        calls = PacedCalls(Session("any", "any", region_name="eu-central-1"), time.timing)
        answers = [calls.ask(PATCHES.operation, {"InstanceId": "i-1"}) for _ in range(61)]

    assert isinstance(answers[59], Given)
    assert answers[60] == NoAnswer("the probe makes at most 60 calls")
    assert len(stub.requests) == len(calls.asked) == 60
    assert sum(time.pauses) == 59 * SECONDS_BETWEEN_CALLS
