"""The build, deployed by `sam deploy` on an AWS that is not ours: a whole run, and the operators' commands."""

from collections.abc import Callable, Iterator

import pytest

from patchlake_cli.embedded.aws.server import start_server
from tests.e2e.deployed_checks import CHECKS
from tests.e2e.deployment import SETTINGS, Deployment, deploy
from tests.e2e.ministack import running_ministack
from tests.e2e.tools import Build


@pytest.fixture(scope="module")
def deployment(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with (
        start_server(SETTINGS) as aws,
        running_ministack(aws.endpoint.region, aws.endpoint) as cloud,
    ):
        yield deploy(build, cloud, aws, tmp_path_factory.mktemp("deployed"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_of_a_deployed_stack(deployment: Deployment, check: Callable[[Deployment], None]) -> None:
    check(deployment)
