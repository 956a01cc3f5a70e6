"""The form of answers in XML: every legal one is accepted, and none that the SDK's parsers read as an empty one."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import botocore.session
import pytest

from patchlake.adapters.answer_form import is_in_form
from patchlake.adapters.xml_elements import local_name, parsed_xml

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
METADATA = "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
OF_S3 = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def result(operation: str, content: str) -> str:
    return f"""<{operation}Response xmlns="https://aws.amazonaws.com/doc/2011-06-15/">
      <{operation}Result>{content}</{operation}Result>{METADATA}</{operation}Response>"""


LEGAL = {
    ("sts", "GetCallerIdentity"): result(
        "GetCallerIdentity",
        "<UserId>AIDA</UserId><Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/me</Arn>",
    ),
    ("sts", "AssumeRole"): result(
        "AssumeRole",
        "<AssumedRoleUser><AssumedRoleId>AROA:me</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/me</Arn>"
        "</AssumedRoleUser><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        "<SessionToken>t</SessionToken><Expiration>2026-11-01T07:00:00Z</Expiration></Credentials>"
        "<PackedPolicySize>6</PackedPolicySize>",
    ),
    ("sns", "ListSubscriptionsByTopic"): result(
        "ListSubscriptionsByTopic",
        "<Subscriptions>\r\n<member><TopicArn>arn:aws:sns:eu-west-1:1:alarms</TopicArn><Protocol>email</Protocol>"
        "<SubscriptionArn>PendingConfirmation</SubscriptionArn><Owner>1</Owner><Endpoint>a@example.com</Endpoint>"
        "</member>\r\n<member><SubscriptionArn>Deleted</SubscriptionArn></member></Subscriptions><NextToken/>",
    ),
    ("cloudformation", "DescribeStacks"): result(
        "DescribeStacks",
        "<Stacks><member><StackName>patchlake</StackName><NotificationARNs/><Parameters><member>"
        "<ParameterKey>Regions</ParameterKey><ParameterValue></ParameterValue></member></Parameters><Capabilities>"
        "<member>CAPABILITY_IAM</member></Capabilities><RollbackConfiguration/><DriftInformation><StackDriftStatus>"
        "NOT_CHECKED</StackDriftStatus></DriftInformation><Outputs/><Tags/></member></Stacks>",
    ),
    ("s3", "GetBucketVersioning"): f"<VersioningConfiguration {OF_S3}><Status>Enabled</Status>"
    "<MfaDelete>Disabled</MfaDelete></VersioningConfiguration>",
    ("s3", "GetBucketLifecycleConfiguration"): f"""<?xml version="1.0" encoding="UTF-8"?>
      <!-- two rules --><LifecycleConfiguration {OF_S3}>
      <Rule><ID>a</ID><Filter><And><Prefix>runs/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>
      <Status>Enabled</Status><Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition>
      <Transition><Days>90</Days><StorageClass>DEEP_ARCHIVE</StorageClass></Transition></Rule>
      <Rule><ID>b</ID><Filter/><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>9</NoncurrentDays>
      </NoncurrentVersionExpiration></Rule></LifecycleConfiguration>""",
    ("s3", "ListObjectsV2"): f"""<ListBucketResult {OF_S3}><Name>lake</Name><Prefix/><KeyCount>2</KeyCount>
      <MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated><Contents><Key>a</Key><ETag>"1"</ETag>
      <ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumAlgorithm>SHA256</ChecksumAlgorithm>
      <Owner><ID>1</ID></Owner></Contents><Contents><Key>b</Key><Owner/></Contents></ListBucketResult>""",
}
"""An answer of each operation whose XML the SDK reads, as in the API references."""
LISTS = {"Subscriptions", "Stacks", "Parameters", "Capabilities"}


@cache
def shape_of(service: str, operation: str) -> Any:  # noqa: ANN401
    return botocore.session.Session().get_service_model(service).operation_model(operation).output_shape


def accepted(asked: tuple[str, str], body: str | ET.Element) -> bool:
    text = body if isinstance(body, str) else ET.tostring(body, "unicode")
    protocol = "rest-xml" if asked[0] == "s3" else "query"
    return is_in_form({"status_code": 200, "body": text.encode()}, protocol, shape_of(*asked))


def legal(asked: tuple[str, str]) -> ET.Element:
    root = parsed_xml(LEGAL[asked].encode())
    assert root is not None
    return root


def has_text(element: ET.Element) -> bool:
    return bool((element.text or "").strip()) and local_name(element) != "RequestId"


def has_members(element: ET.Element) -> bool:
    return len(element) > 0 and local_name(element) != "ResponseMetadata"


def each_changed(
    asked: tuple[str, str], which: Callable[[ET.Element], bool], change: Callable[[ET.Element], object]
) -> Iterator[tuple[str, ET.Element]]:
    """Yield the legal answer once for each of these elements, which alone is changed, with the name of the element."""
    for number, element in enumerate(legal(asked).iter()):
        if which(element):
            root = legal(asked)
            change(list(root.iter())[number])
            yield local_name(element), root


def make_text(element: ET.Element) -> None:
    for child in list(element):
        element.remove(child)
    element.text = "Service Unavailable"


def make_nil(element: ET.Element) -> None:
    make_text(element)
    element.text = None
    element.set(NIL, "true")


def make_parent(element: ET.Element) -> None:
    element.text = None
    ET.SubElement(element, "Error")


@pytest.mark.parametrize("asked", LEGAL, ids="-".join)
def test_a_legal_answer_is_accepted(asked: tuple[str, str]) -> None:
    assert accepted(asked, LEGAL[asked])


@pytest.mark.parametrize("asked", LEGAL, ids="-".join)
def test_a_prefix_before_every_name_changes_nothing(asked: tuple[str, str]) -> None:
    prefixed = ET.tostring(legal(asked), "unicode")

    assert prefixed.startswith("<ns0:")
    assert accepted(asked, prefixed)


@pytest.mark.parametrize("asked", LEGAL, ids="-".join)
def test_a_member_that_is_not_known_changes_nothing(asked: tuple[str, str]) -> None:
    def extend(element: ET.Element) -> None:
        ET.SubElement(ET.SubElement(element, "NewMember"), "Deep").text = "1"

    def is_structure(element: ET.Element) -> bool:
        return has_members(element) and local_name(element) not in LISTS

    for name, root in each_changed(asked, is_structure, extend):
        assert accepted(asked, root), name


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        (("s3", "GetBucketVersioning"), f"<VersioningConfiguration {OF_S3}/>"),
        (("s3", "GetBucketLifecycleConfiguration"), "<LifecycleConfiguration/>"),
        (("s3", "ListObjectsV2"), "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"),
        (("sns", "ListSubscriptionsByTopic"), result("ListSubscriptionsByTopic", "<Subscriptions/>")),
        (("cloudformation", "DescribeStacks"), result("DescribeStacks", "<Stacks/>")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "empty",
)
def test_an_empty_answer_is_accepted(asked: tuple[str, str], body: str) -> None:
    assert accepted(asked, body)


def test_the_name_of_motos_answer_about_versioning_is_accepted() -> None:
    assert accepted(("s3", "GetBucketVersioning"), f"<GetBucketVersioningResponse {OF_S3}/>")


@pytest.mark.parametrize("asked", LEGAL, ids="-".join)
@pytest.mark.parametrize("name", ["ServiceUnavailable", "InternalFailureResponse", "Response", "ListBucketsResult"])
def test_an_answer_with_another_root_is_none(asked: tuple[str, str], name: str) -> None:
    root = legal(asked)
    root.tag = name

    assert not accepted(asked, root)


@pytest.mark.parametrize("asked", LEGAL, ids="-".join)
def test_no_operation_takes_the_answer_of_another(asked: tuple[str, str]) -> None:
    assert [other for other in LEGAL if accepted(asked, LEGAL[other])] == [asked]


@pytest.mark.parametrize("asked", LEGAL, ids="-".join)
@pytest.mark.parametrize("change", [make_text, make_nil], ids=["text", "nil"])
def test_a_list_or_structure_that_is_nil_or_a_text_is_none(
    asked: tuple[str, str], change: Callable[[ET.Element], None]
) -> None:
    for name, root in each_changed(asked, has_members, change):
        assert not accepted(asked, root), name


@pytest.mark.parametrize("asked", LEGAL, ids="-".join)
def test_an_element_in_place_of_a_text_is_none(asked: tuple[str, str]) -> None:
    for name, root in each_changed(asked, has_text, make_parent):
        assert not accepted(asked, root), name


def test_an_item_of_another_name_is_none() -> None:
    asked = ("sns", "ListSubscriptionsByTopic")

    assert not accepted(asked, LEGAL[asked].replace("member>", "item>"))
