"""One embedded AWS for all tests, empty at the start of each module; each test has its own stack."""

from collections.abc import Iterator
from time import monotonic

import pytest

from patchlake_cli.embedded.aws.server import EmbeddedAws, start_server
from patchlake_cli.embedded.aws.settings import Conditions, Settings
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from tests.deployed import DeployedRun, new_stack, running

ACCOUNTS, REGIONS, NODES, DAYS = 3, 2, 700, 4
REFUSED = Settings(accounts=ACCOUNTS).account_list()[-1].account_id
MOST_SECONDS = 20
"""Far less than an answer takes that trickles in, and far more than a busy machine needs to give it up."""


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[EmbeddedAws]:
    conditions = Conditions(refused_accounts=frozenset({REFUSED}))
    settings = Settings(nodes=NODES, accounts=ACCOUNTS, regions=REGIONS, days=DAYS, conditions=conditions)
    with start_server(settings) as aws:
        yield aws


@pytest.fixture(scope="module")
def shared_aws(embedded_aws: EmbeddedAws) -> EmbeddedAws:
    embedded_aws.reset()
    return embedded_aws


@pytest.fixture
def in_time() -> Iterator[None]:
    """Require that the test does not wait for the end of an answer that trickles in."""
    began = monotonic()
    yield
    assert monotonic() - began < MOST_SECONDS


@pytest.fixture
def aws(shared_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    yield shared_aws
    shared_aws.change(**{name: getattr(shared_aws.settings.conditions, name) for name in Conditions.__struct_fields__})


@pytest.fixture(scope="module")
def standing(shared_aws: EmbeddedAws) -> DeployedStack:
    """A stack whose functions do not run: its queues keep their messages."""
    return new_stack(shared_aws)


@pytest.fixture(scope="module")
def a_run(shared_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedRun]:
    """A stack whose functions run."""
    stack = new_stack(shared_aws, AlarmEmail="operators@example.com")
    with running(shared_aws, stack, 1, tmp_path_factory.mktemp("run")) as run:
        yield run
