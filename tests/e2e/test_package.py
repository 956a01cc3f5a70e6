"""The uploads of `sam deploy` before CloudFormation runs: code, layers and the nested stack."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.cloudformation.template import Template, read_template
from tests.e2e.tools import ROOT, Build, run
from tests.toys import running_moto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ARTIFACTS = "artifacts"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """An S3 to upload to."""
    with running_moto() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def s3(endpoint: Endpoint) -> Iterator["S3Client"]:
    """The uploads as CloudFormation finds them."""
    with closing(endpoint.session.client("s3", endpoint_url=endpoint.url, config=endpoint.config)) as client:
        client.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield client


@pytest.fixture(scope="module")
def packaged(build: Build, endpoint: Endpoint, s3: "S3Client", tmp_path_factory: pytest.TempPathFactory) -> Template:  # noqa: ARG001  # the bucket must be there
    """The template that goes to CloudFormation."""
    path = tmp_path_factory.mktemp("packaged") / "template.yaml"
    result = run(
        "sam",
        *("package", "--template-file", build.folder / "template.yaml"),
        *("--s3-bucket", ARTIFACTS, "--output-template-file", path),
        environment=endpoint.environment,
    )
    assert result.returncode == 0, result.stderr
    return read_template(path)


def test_the_stack_inside_is_uploaded_as_it_is_written(packaged: Template, s3: "S3Client", tmp_path: Path) -> None:
    key = packaged["Resources"]["Analytics"]["Properties"]["TemplateURL"].rpartition("/")[2]
    uploaded = tmp_path / "analytics.yaml"

    uploaded.write_bytes(s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())

    written = read_template(ROOT / "templates" / "analytics.yaml")
    for name, resource in written["Resources"].items():
        resource.setdefault("Metadata", {})["SamResourceId"] = name  # which sam adds
    assert read_template(uploaded) == written


def test_every_function_and_layer_is_uploaded(packaged: Template, s3: "S3Client") -> None:
    properties = [resource.get("Properties", {}) for resource in packaged["Resources"].values()]
    code = {each[name] for each in properties for name in ("CodeUri", "ContentUri") if name in each}

    keys = {found["Key"] for found in s3.list_objects_v2(Bucket=ARTIFACTS)["Contents"]}

    assert len(code) == 7
    assert {uri.removeprefix(f"s3://{ARTIFACTS}/") for uri in code} <= keys


def test_the_template_is_no_larger_than_cloudformation_takes_from_a_bucket(packaged: Template, build: Build) -> None:
    sizes = [path.stat().st_size for path in (build.folder / "template.yaml", build.folder / "Analytics/template.yaml")]

    assert packaged
    assert max(sizes) < 1_000_000
