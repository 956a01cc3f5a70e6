"""The checks of a stack: their findings, and their expectations, which equal the template."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from patchlake_cli.exit_codes import CommandError
from patchlake_cli.operations import checks
from patchlake_cli.operations.bucket_policy import differing_statements, expected_statements, repaired_policy
from patchlake_cli.operations.calls import AwsRefusedError, asking
from patchlake_cli.operations.findings import Checked, Finding, Verdict
from patchlake_cli.operations.retention import ill_kept
from patchlake_cli.operations.service_checks import unheard
from patchlake_cli.operations.stack import Stack
from tests.known_deployment import BUCKET, DEPLOYMENT


def without(sid: str) -> dict[str, Any]:
    return {"Statement": [each for each in expected_statements(BUCKET, "aws") if each["Sid"] != sid]}


def test_a_statement_that_is_missing_or_changed_is_named() -> None:
    changed = {"Statement": expected_statements(BUCKET, "aws")}
    changed["Statement"][3]["Effect"] = "Allow"

    assert differing_statements({}, BUCKET, "aws") == ["OnlyOverTls", "CreateOnce", "NeverReplace", "NeverDelete"]
    assert differing_statements(without("CreateOnce"), BUCKET, "aws") == ["CreateOnce"]
    assert differing_statements(changed, BUCKET, "aws") == ["NeverDelete"]


def test_forms_that_mean_the_same_do_not_differ() -> None:
    policy = {"Statement": expected_statements(BUCKET, "aws")}
    for statement in policy["Statement"]:
        statement["Principal"] = {"AWS": "*"}
    policy["Statement"][0]["Action"] = ["s3:*"]
    policy["Statement"][0]["Resource"].reverse()

    assert differing_statements(policy, BUCKET, "aws") == []


def test_the_repaired_policy_is_whole_and_keeps_what_others_added() -> None:
    own = {"Sid": "Readers", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:GetObject", "Resource": "*"}
    broken = without("NeverDelete")
    broken["Statement"].append(own)

    repaired = json.loads(repaired_policy(broken, BUCKET, "aws"))

    assert differing_statements(repaired, BUCKET, "aws") == []
    assert own in repaired["Statement"]


def texts(findings: Iterator[Finding]) -> list[str]:
    return [finding.text for finding in findings]


def subscription(arn: str, endpoint: str) -> Any:  # noqa: ANN401  # as SNS answers
    return {"SubscriptionArn": arn, "Endpoint": endpoint}


CONFIRMED = subscription("arn:aws:sns:eu-central-1:111122223333:t:1", "b@example.com")
PENDING = subscription("PendingConfirmation", "a@example.com")
DELETED = subscription("Deleted", "c@example.com")


@pytest.mark.parametrize("others", [[], [PENDING], [DELETED], [DELETED, PENDING]])
def test_a_topic_is_heard_by_one_confirmed_subscription(others: list[Any]) -> None:
    assert texts(unheard("t", [*others, CONFIRMED])) == []


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        ([PENDING], "1 not confirmed (a@example.com)"),
        ([DELETED], "1 deleted (c@example.com)"),
        ([DELETED, PENDING], "1 deleted (c@example.com), 1 not confirmed (a@example.com)"),
        (
            [PENDING, subscription("PendingConfirmation", "A@example.com")],
            "2 not confirmed (A@example.com, a@example.com)",
        ),
    ],
)
def test_a_subscription_without_an_arn_hears_nothing(found: list[Any], counts: str) -> None:
    assert texts(unheard("t", found)) == [f"no one receives the alarms; subscriptions of their topic: {counts}"]


def test_a_topic_without_subscriptions_is_not_heard() -> None:
    assert texts(unheard("t", [])) == ["no one receives the alarms: their topic has no subscription"]


def test_the_link_is_opened_only_where_an_e_mail_waits_and_else_one_subscribes_again() -> None:
    [waiting], [gone] = unheard("t", [DELETED, PENDING]), unheard("t", [DELETED])

    assert waiting.fix.startswith("open the link in the e-mail from AWS Notifications; ")
    assert gone.fix == "aws sns subscribe --topic-arn t --protocol email --notification-endpoint EMAIL"


def rule(prefix: str, days: int, status: str = "Enabled") -> Any:  # noqa: ANN401  # as S3 answers
    return {"Status": status, "Filter": {"Prefix": prefix}, "Expiration": {"Days": days}}


def tagged(prefix: str, days: int) -> Any:  # noqa: ANN401
    tag = {"Key": "temporary", "Value": "yes"}
    selected = {"And": {"Prefix": prefix, "Tags": [tag]}} if prefix else {"Tag": tag}
    return rule(prefix, days) | {"Filter": selected}


def moved(prefix: str, days: int, to: str) -> Any:  # noqa: ANN401
    return {
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Transitions": [{"Days": 0, "StorageClass": "STANDARD_IA"}, {"Days": days, "StorageClass": to}],
    }


FROM_THEN_ON = "from then on, S3 moves every object, however new it is"


def large(prefix: str, days: int) -> Any:  # noqa: ANN401
    return rule(prefix, days) | {"Filter": {"And": {"Prefix": prefix, "ObjectSizeGreaterThan": 1_000_000}}}


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ([rule("runs/", 30)], []),
        ([rule("runs/", 30), rule("lake/", 90), rule("plans/", 90)], []),
        ([], ["shards and parts never expire: no lifecycle rule covers runs/"]),
        ([rule("runs/", 30, "Disabled")], ["shards and parts never expire: no lifecycle rule covers runs/"]),
        ([rule("runs/", 7)], ["shards and parts expire after 7 days, before a dead letter does"]),
        (
            [rule("", 20)],
            [
                "lake/coverage/ expires after 20 days, but the views look back 35 days",
                "lake/instances/ expires after 20 days, but the views look back 35 days",
                "lake/patch_states/ expires after 20 days, but the views look back 35 days",
                "lake/patches/ expires after 20 days, but the views look back 35 days",
                "lake/tags/ expires after 20 days, but the views look back 35 days",
                "plans/ expires after 20 days, but the views look back 35 days",
            ],
        ),
        ([rule("runs/", 30), tagged("", 10)], []),
        ([tagged("runs/", 30)], ["shards and parts never expire: no lifecycle rule covers runs/"]),
        ([large("runs/", 30)], ["shards and parts never expire: no lifecycle rule covers runs/"]),
        ([rule("runs/", 30), rule("runs/2", 1)], ["shards and parts expire after 1 day, before a dead letter does"]),
        (
            [rule("runs/", 30), large("lake/tags/run_date=", 1)],
            ["lake/tags/run_date= expires after 1 day, but the views look back 35 days"],
        ),
        (
            [
                rule("runs/", 30),
                {
                    "Status": "Enabled",
                    "Filter": {"Prefix": "lake/tags/"},
                    "Expiration": {"Date": datetime(2026, 1, 1, tzinfo=UTC)},
                },
            ],
            ["lake/tags/ expires on 2026-01-01: from then on, S3 deletes every object, however new it is"],
        ),
        (
            [{"Status": "Enabled", "Prefix": "runs/", "Expiration": {"Date": datetime(2026, 1, 1, tzinfo=UTC)}}],
            ["runs/ expires on 2026-01-01: from then on, S3 deletes every object, however new it is"],
        ),
        (
            [
                rule("runs/", 30),
                {"Status": "Enabled", "Filter": {"And": {"Prefix": "other/"}}, "Expiration": {"Days": 1}},
            ],
            [],
        ),
        (
            [rule("runs/", 30), rule("lake/patch_states/", 20)],
            ["lake/patch_states/ expires after 20 days, but the views look back 35 days"],
        ),
        (
            [rule("runs/", 30), moved("lake/tags/", 10, "GLACIER")],
            ["lake/tags/ moves to GLACIER (unreadable) after 10 days, but queries read the last 120 days"],
        ),
        (
            [rule("runs/", 30), rule("lake/tags/", 20), moved("lake/tags/run_date=", 10, "GLACIER")],
            ["lake/tags/run_date= moves to GLACIER (unreadable) after 10 days, but queries read the last 120 days"],
        ),
        (
            [rule("runs/", 30), moved("lake/tags/", 35, "GLACIER")],
            ["lake/tags/ moves to GLACIER (unreadable) after 35 days, but queries read the last 120 days"],
        ),
        ([rule("runs/", 30), moved("lake/", 120, "GLACIER"), moved("plans/", 35, "GLACIER")], []),
        (
            [rule("runs/", 30), rule("lake/tags/run_date=", 90), moved("lake/tags/", 100, "DEEP_ARCHIVE")],
            ["lake/tags/ moves to DEEP_ARCHIVE (unreadable) after 100 days, but queries read the last 120 days"],
        ),
        (
            [rule("runs/", 30), moved("runs/", 14, "GLACIER")],
            ["shards and parts move to GLACIER (unreadable) after 14 days, before a dead letter does"],
        ),
        ([moved("runs/", 30, "GLACIER")], ["shards and parts never expire: no lifecycle rule covers runs/"]),
        (
            [
                rule("runs/", 30),
                {
                    "Status": "Enabled",
                    "Filter": {"Prefix": "lake/tags/"},
                    "Transitions": [{"Date": datetime(2026, 1, 1, tzinfo=UTC), "StorageClass": "GLACIER"}],
                },
            ],
            [f"lake/tags/ moves to GLACIER (unreadable) on 2026-01-01: {FROM_THEN_ON}"],
        ),
        *(
            ([rule("runs/", 30), moved("", 0, readable)], [])
            for readable in ("STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR")
        ),
    ],
)
def test_what_expires_or_is_archived_too_early_or_never_expires_is_found(rules: list[Any], found: list[str]) -> None:
    assert texts(ill_kept(rules, window_days=35, history_days=120)) == found


def test_the_fix_of_a_rule_names_the_days_that_it_is_compared_with() -> None:
    rules = [rule("runs/", 30), rule("lake/tags/", 20), moved("lake/patches/", 50, "GLACIER")]

    assert [finding.fix for finding in ill_kept(rules, window_days=35, history_days=120)] == [
        "change the rule on lake/patches/ to keep it longer, or lower HistoryDays",
        "change the rule on lake/tags/ to keep it longer, or lower WindowDays",
    ]


def test_a_check_that_cannot_be_made_is_unknown_and_never_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Stack) -> Iterator[Finding]:
        raise CommandError("access denied")

    found = Finding("it is broken", "fix it")
    monkeypatch.setattr(checks, "CHECKS", {"a": refused, "b": lambda _: iter([found]), "c": lambda _: iter(())})

    assert checks.check_all(Stack(None, DEPLOYMENT, None)) == [  # type: ignore[arg-type]  # none of them looks at it
        Checked("a", Verdict.UNKNOWN, reason="access denied"),
        Checked("b", Verdict.FINDING, (found,)),
        Checked("c", Verdict.OK),
    ]


def refusal(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "said so"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Any")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            refusal("AccessDenied", 403),
            "queue q: sqs:Any failed: access denied (AccessDenied): said so. The calling identity needs sqs:Any",
        ),
        (refusal("AuthorizationError", 400), "queue q: sqs:Any failed: access denied (AuthorizationError): said so"),
        (
            refusal("ThrottlingException", 400),
            "queue q: sqs:Any failed: AWS throttled the call (ThrottlingException): said so. Retry in a minute",
        ),
        (refusal("InternalError", 500), "queue q: sqs:Any failed: .*said so"),
        (EndpointConnectionError(endpoint_url="http://nowhere"), "queue q: sqs:Any failed: .*http://nowhere"),
    ],
)
def test_a_refusal_is_one_line_that_names_the_action(error: Exception, text: str) -> None:
    pattern = text.replace("(", r"\(").replace(")", r"\)")

    with pytest.raises(AwsRefusedError, match=pattern), asking("sqs:Any", "queue q"):
        raise error
