"""The rest of the embedded AWS: its accounts, its clock, and moto's own services."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError

from patchlake_cli.embedded.aws.control import ControlError
from patchlake_cli.embedded.aws.server import EmbeddedAws, start_server
from patchlake_cli.embedded.aws.settings import Conditions, Settings

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

HOME, MEMBER, REFUSED = "111122223333", "444455556666", "777788889999"
ONCE = Config(proxies={}, retries={"total_max_attempts": 1})


def code_of(call: Callable[[], object]) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def role_arn(account_id: str, name: str = "patchlake-member") -> str:
    return f"arn:aws:iam::{account_id}:role/{name}"


@pytest.fixture
def sts(aws: EmbeddedAws) -> "STSClient":
    return aws.endpoint.session.client("sts", endpoint_url=aws.endpoint_url, config=ONCE)


@pytest.fixture
def organizations(aws: EmbeddedAws) -> "OrganizationsClient":
    return aws.endpoint.session.client("organizations", endpoint_url=aws.endpoint_url, config=ONCE)


@pytest.fixture
def s3(aws: EmbeddedAws) -> "S3Client":
    return aws.endpoint.session.client("s3", endpoint_url=aws.endpoint_url, config=ONCE)


@pytest.fixture
def sqs(aws: EmbeddedAws) -> "SQSClient":
    return aws.endpoint.session.client("sqs", endpoint_url=aws.endpoint_url, config=ONCE)


def assumed(aws: EmbeddedAws, sts: "STSClient", account_id: str, service: Any) -> Any:  # noqa: ANN401 - any client
    return assumed_with(
        aws, sts.assume_role(RoleArn=role_arn(account_id), RoleSessionName="test")["Credentials"], service
    )


def assumed_with(aws: EmbeddedAws, keys: Any, service: Any) -> Any:  # noqa: ANN401 - any client
    return aws.endpoint.session.client(
        service,
        endpoint_url=aws.endpoint_url,
        config=ONCE,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def test_whoever_has_assumed_no_role_is_in_the_home_account(sts: "STSClient") -> None:
    assert sts.get_caller_identity()["Account"] == HOME


@pytest.mark.parametrize("account_id", [HOME, MEMBER])
def test_an_assumed_role_is_in_its_own_account(aws: EmbeddedAws, sts: "STSClient", account_id: str) -> None:
    identity = assumed(aws, sts, account_id, "sts").get_caller_identity()

    assert identity["Account"] == account_id
    assert identity["Arn"] == f"arn:aws:sts::{account_id}:assumed-role/patchlake-member/test"


@pytest.mark.parametrize(
    "role",
    [role_arn(REFUSED), role_arn(MEMBER, "other"), role_arn("999999999999"), f"{role_arn(MEMBER)}x"],
    ids=["refused account", "another role", "an account outside the organization", "a longer name"],
)
def test_a_role_that_does_not_trust_us_is_denied(sts: "STSClient", role: str) -> None:
    with pytest.raises(ClientError) as caught:
        sts.assume_role(RoleArn=role, RoleSessionName="test")

    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert caught.value.response["Error"]["Message"].endswith(
        f"is not authorized to perform: sts:AssumeRole on resource: {role}"
    )


def test_a_role_can_be_refused_and_given_back_while_it_runs(aws: EmbeddedAws, sts: "STSClient") -> None:
    aws.change(refused_accounts=frozenset({MEMBER}))
    assert code_of(lambda: sts.assume_role(RoleArn=role_arn(MEMBER), RoleSessionName="test")) == ("AccessDenied", 403)

    aws.change(refused_accounts=frozenset())

    assert sts.assume_role(RoleArn=role_arn(MEMBER), RoleSessionName="test")["Credentials"]


def test_a_member_role_trusts_only_the_callers_that_its_template_names(aws: EmbeddedAws, sts: "STSClient") -> None:
    discover = Session("patchlake-discover", "any", region_name="eu-central-1")
    function = discover.client("sts", endpoint_url=aws.endpoint_url, config=ONCE)
    member: Any = {"RoleArn": role_arn(MEMBER), "RoleSessionName": "test"}
    export: Any = {"RoleArn": role_arn(MEMBER, "patchlake-export"), "RoleSessionName": "test"}

    aws.change(trusted_callers=frozenset({role_arn(HOME, "patchlake-discover")}))

    with closing(function):
        assert function.assume_role(**member)["Credentials"]
    assert code_of(lambda: sts.assume_role(**member)) == ("AccessDenied", 403)
    # A session of another account is no function, whatever its name.
    with closing(assumed_with(aws, sts.assume_role(**export)["Credentials"], "sts")) as stranger:
        assert code_of(lambda: stranger.assume_role(**member)) == ("AccessDenied", 403)


def test_a_role_asks_for_its_external_id() -> None:
    with start_server(Settings(nodes=0, role_name="team/reader", external_id="s3cret")) as aws:
        sts = aws.endpoint.session.client("sts", endpoint_url=aws.endpoint_url, config=ONCE)
        arguments: Any = {"RoleArn": role_arn(MEMBER, "team/reader"), "RoleSessionName": "test"}

        assert code_of(lambda: sts.assume_role(**arguments)) == ("AccessDenied", 403)
        assert code_of(lambda: sts.assume_role(**arguments, ExternalId="guess")) == ("AccessDenied", 403)
        assert sts.assume_role(**arguments, ExternalId="s3cret")["Credentials"]


def test_the_organization_lists_its_accounts(organizations: "OrganizationsClient") -> None:
    accounts = organizations.list_accounts()["Accounts"]

    assert [(account["Id"], account["Name"]) for account in accounts] == [
        (HOME, "platform"),
        (MEMBER, "payments"),
        (REFUSED, "research"),
    ]
    assert {(account["State"], account["Status"]) for account in accounts} == {("ACTIVE", "ACTIVE")}


def test_the_organization_is_read_page_by_page(aws: EmbeddedAws, organizations: "OrganizationsClient") -> None:
    closed = {f"{number:012d}" for number in range(1, 31)}
    aws.change(suspended_accounts=frozenset(closed | {MEMBER}))

    pages = list(organizations.get_paginator("list_accounts").paginate())

    assert [len(page["Accounts"]) for page in pages] == [20, 13]
    states = {account["Id"]: account["State"] for page in pages for account in page["Accounts"]}
    assert states == {HOME: "ACTIVE", REFUSED: "ACTIVE"} | dict.fromkeys(closed | {MEMBER}, "SUSPENDED")


@pytest.mark.parametrize(
    ("parent", "accounts", "units"),
    [
        ("r-abcd", [HOME], ["ou-abcd-11111111", "ou-abcd-33333333"]),
        ("ou-abcd-11111111", [MEMBER], ["ou-abcd-22222222"]),
        ("ou-abcd-22222222", [REFUSED], []),
        ("ou-abcd-33333333", [], []),
    ],
)
def test_a_unit_lists_what_is_in_it_and_not_what_is_below(
    organizations: "OrganizationsClient", parent: str, accounts: list[str], units: list[str]
) -> None:
    assert [found["Id"] for found in organizations.list_accounts_for_parent(ParentId=parent)["Accounts"]] == accounts
    below = organizations.list_organizational_units_for_parent(ParentId=parent)["OrganizationalUnits"]
    assert [unit["Id"] for unit in below] == units


def test_the_closed_accounts_are_in_a_unit_and_read_page_by_page(
    aws: EmbeddedAws, organizations: "OrganizationsClient"
) -> None:
    closed = [f"{number:012d}" for number in range(1, 31)]
    aws.change(suspended_accounts=frozenset(closed))

    pages = list(organizations.get_paginator("list_accounts_for_parent").paginate(ParentId="ou-abcd-33333333"))

    assert [len(page["Accounts"]) for page in pages] == [20, 10]
    assert [account["Id"] for page in pages for account in page["Accounts"]] == closed
    assert {account["State"] for page in pages for account in page["Accounts"]} == {"SUSPENDED"}


def test_a_unit_that_does_not_exist_has_the_code_of_organizations(organizations: "OrganizationsClient") -> None:
    for call in (organizations.list_accounts_for_parent, organizations.list_organizational_units_for_parent):
        assert code_of(partial(call, ParentId="ou-abcd-99999999"))[0] == "ParentNotFoundException"


def test_a_suspended_account_lets_nobody_in(aws: EmbeddedAws, sts: "STSClient") -> None:
    aws.change(suspended_accounts=frozenset({MEMBER}))

    assert code_of(lambda: sts.assume_role(RoleArn=role_arn(MEMBER), RoleSessionName="test")) == ("AccessDenied", 403)


def test_a_member_account_cannot_list_the_organization(aws: EmbeddedAws, sts: "STSClient") -> None:
    member = assumed(aws, sts, MEMBER, "organizations")

    assert code_of(member.list_accounts)[0] == "AccessDeniedException"
    assert code_of(partial(member.list_accounts_for_parent, ParentId="r-abcd"))[0] == "AccessDeniedException"


@pytest.mark.parametrize("arguments", [{"NextToken": "nonsense"}, {"MaxResults": 21}])
def test_a_wrong_question_to_the_organization_is_refused(
    organizations: "OrganizationsClient", arguments: dict[str, Any]
) -> None:
    assert code_of(lambda: organizations.list_accounts(**arguments))[0] == "InvalidInputException"


def test_every_service_shows_the_simulated_time(
    aws: EmbeddedAws, sts: "STSClient", organizations: "OrganizationsClient", s3: "S3Client", sqs: "SQSClient"
) -> None:
    now = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    aws.set_clock(now)
    ssm = aws.endpoint.session.client("ssm", endpoint_url=aws.endpoint_url, config=ONCE)

    answers: list[Any] = [
        sts.get_caller_identity(),
        organizations.list_accounts(),
        s3.list_buckets(),
        sqs.list_queues(),
        ssm.describe_instance_information(),
    ]

    dates = [answer["ResponseMetadata"]["HTTPHeaders"]["date"] for answer in answers]
    assert dates == ["Mon, 03 Feb 2031 04:05:06 GMT"] * 5


def test_the_clock_stands_still_until_it_is_moved(aws: EmbeddedAws, s3: "S3Client") -> None:
    aws.begin_day(0)
    start = aws.fleet.run_at(0)
    assert [aws.clock(), date_of(s3)] == [start, start]

    aws.advance_clock(90.5)

    assert aws.clock() == start + timedelta(seconds=90.5)
    assert date_of(s3) == start + timedelta(seconds=90)


def test_the_clock_is_set_to_the_same_moment_in_any_zone(aws: EmbeddedAws, s3: "S3Client") -> None:
    aws.set_clock(datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=2))))

    assert date_of(s3) == datetime(2026, 11, 1, 6, tzinfo=UTC)


def date_of(s3: "S3Client") -> datetime:
    headers = s3.list_buckets()["ResponseMetadata"]["HTTPHeaders"]
    return parsedate_to_datetime(headers["date"])


def test_errors_show_the_simulated_time_too(aws: EmbeddedAws, s3: "S3Client") -> None:
    aws.begin_day(0)

    with pytest.raises(ClientError) as caught:
        s3.head_object(Bucket="nowhere", Key="nothing")

    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert parsedate_to_datetime(headers["date"]) == aws.fleet.run_at(0)


def test_an_object_is_created_once(s3: "S3Client") -> None:
    s3.create_bucket(Bucket="once", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket="once", VersioningConfiguration={"Status": "Enabled"})
    body = b"first" * 100_000

    s3.put_object(Bucket="once", Key="a/ü b", Body=body, IfNoneMatch="*", Metadata={"some_name": "v"})

    assert code_of(lambda: s3.put_object(Bucket="once", Key="a/ü b", Body=b"second", IfNoneMatch="*"))[1] == 412
    assert s3.get_object(Bucket="once", Key="a/ü b")["Body"].read() == body
    head = s3.head_object(Bucket="once", Key="a/ü b")
    assert (head["ContentLength"], head["Metadata"]) == (len(body), {"some_name": "v"})
    assert len(s3.list_object_versions(Bucket="once")["Versions"]) == 1


def test_a_message_is_hidden_and_goes_to_the_dead_letter_queue(sqs: "SQSClient") -> None:
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    queue = sqs.create_queue(QueueName="live", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="hello")

    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"]
    hidden = sqs.receive_message(QueueUrl=queue).get("Messages", [])
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=received[0]["ReceiptHandle"], VisibilityTimeout=0)
    sqs.receive_message(QueueUrl=queue)

    assert f":{HOME}:dead" in arn
    assert [message["Body"] for message in received] == ["hello"]
    assert hidden == []
    assert sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=2)["Messages"][0]["Body"] == "hello"


def test_cloudformation_and_glue_are_moto_s(aws: EmbeddedAws) -> None:
    cloudformation = aws.endpoint.session.client("cloudformation", endpoint_url=aws.endpoint_url, config=ONCE)
    glue = aws.endpoint.session.client("glue", endpoint_url=aws.endpoint_url, config=ONCE)
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "stacked"}}}}

    cloudformation.create_stack(StackName="stack", TemplateBody=json.dumps(template))
    glue.create_database(DatabaseInput={"Name": "lake"})

    resources = cloudformation.describe_stack_resources(StackName="stack")["StackResources"]
    assert resources[0]["PhysicalResourceId"].endswith(f"/{HOME}/stacked")
    assert glue.get_database(Name="lake")["Database"]["Name"] == "lake"


def test_other_operations_of_ssm_are_moto_s(aws: EmbeddedAws) -> None:
    ssm = aws.endpoint.session.client("ssm", endpoint_url=aws.endpoint_url, config=ONCE)

    ssm.put_parameter(Name="n", Value="v", Type="String")

    assert ssm.get_parameter(Name="n")["Parameter"]["Value"] == "v"


def test_what_moto_cannot_do_ends_with_an_answer(aws: EmbeddedAws) -> None:
    ssm = aws.endpoint.session.client("ssm", endpoint_url=aws.endpoint_url, config=ONCE)

    assert code_of(lambda: ssm.describe_patch_group_state(PatchGroup="web")) == ("500", 500)


def test_calls_are_counted_by_service_operation_account_and_region(
    aws: EmbeddedAws, sts: "STSClient", s3: "S3Client"
) -> None:
    aws.begin_day(0)
    member = assumed(aws, sts, MEMBER, "ssm")
    for _ in range(3):
        member.describe_instance_information(MaxResults=50)
    s3.list_buckets()

    statistics = aws.statistics()

    counted = {(call.service, call.operation, call.account_id, call.region): call.calls for call in statistics.calls}
    assert counted == {
        ("sts", "AssumeRole", HOME, "eu-central-1"): 1,
        ("ssm", "DescribeInstanceInformation", MEMBER, "eu-central-1"): 3,
        ("s3", "GET", HOME, "eu-central-1"): 1,
    }
    assert statistics.count("ssm") == statistics.count("ssm", "DescribeInstanceInformation") == 3
    assert statistics.count("ssm", "DescribeInstancePatchStates") == statistics.count("sqs") == 0
    assert statistics.retries("ssm") == 2


def test_a_body_without_its_checksum_is_refused(s3: "S3Client") -> None:
    s3.create_bucket(Bucket="checked", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    checksums: list[tuple[Any, str]] = [
        ({"ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, "BadDigest"),
        ({"ContentMD5": "no checksum"}, "InvalidDigest"),
        ({"ContentMD5": "AAAA"}, "InvalidDigest"),
        ({"ChecksumCRC32": "AAAAAA=="}, "BadDigest"),
        ({"ChecksumSHA1": "AAAA"}, "BadDigest"),
        ({"ChecksumSHA256": "AAAA"}, "BadDigest"),
    ]

    for stated, code in checksums:
        assert code_of(partial(s3.put_object, Bucket="checked", Key="a", Body=b"content", **stated)) == (code, 400)

    assert s3.list_objects_v2(Bucket="checked")["KeyCount"] == 0


def test_a_body_with_its_checksum_is_stored(s3: "S3Client") -> None:
    s3.create_bucket(Bucket="summed", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

    s3.put_object(Bucket="summed", Key="by-default", Body=b"content")
    s3.put_object(Bucket="summed", Key="sha1", Body=b"content", ChecksumAlgorithm="SHA1")
    s3.put_object(Bucket="summed", Key="sha256", Body=b"content", ChecksumAlgorithm="SHA256")

    assert s3.list_objects_v2(Bucket="summed")["KeyCount"] == 3


def test_a_day_begins_with_its_clock_and_without_counts(aws: EmbeddedAws, s3: "S3Client") -> None:
    s3.list_buckets()

    aws.begin_day(2)

    assert aws.clock() == aws.fleet.run_at(2)
    assert aws.statistics().calls == []


def test_a_reset_returns_to_the_start_and_empties_moto() -> None:
    conditions = Conditions(disabled_regions=frozenset({"us-east-1"}))
    with start_server(Settings(nodes=0, days=2, conditions=conditions)) as aws:
        sts = aws.endpoint.session.client("sts", endpoint_url=aws.endpoint_url, config=ONCE)
        s3 = aws.endpoint.session.client("s3", endpoint_url=aws.endpoint_url, config=ONCE)
        s3.create_bucket(Bucket="gone", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        member = assumed(aws, sts, MEMBER, "ssm")
        aws.begin_day(1)
        aws.change(disabled_regions=frozenset(), latency_seconds=0.01)

        aws.reset()

        assert aws.conditions() == conditions
        assert aws.clock() == aws.fleet.run_at(0)
        assert s3.list_buckets()["Buckets"] == []
        # Its account is not remembered; it must not be taken for one of the home account.
        assert code_of(member.describe_instance_information)[0] == "ExpiredTokenException"


def test_a_condition_that_does_not_exist_is_an_error(aws: EmbeddedAws) -> None:
    with pytest.raises(TypeError):
        aws.change(broken=True)


def test_a_control_call_that_makes_no_sense_is_refused_with_its_reason(aws: EmbeddedAws) -> None:
    with pytest.raises(ControlError, match="begin-day: the fleet has days 0 to 3, not 4"):
        aws.begin_day(4)
    with pytest.raises(ControlError, match="change: Expected `float`"):
        aws.change(latency_seconds="long")


def test_an_unknown_control_call_is_refused(aws: EmbeddedAws) -> None:
    connection = HTTPConnection(aws.endpoint_url.removeprefix("http://"), timeout=10)

    connection.request("POST", "/_embedded/explode", "null")
    response = connection.getresponse()

    assert (response.status, response.read()) == (400, b"explode: unknown command")
    connection.close()
