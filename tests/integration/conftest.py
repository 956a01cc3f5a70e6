"""One embedded AWS for the tests of a module; each test has its own stack."""

from collections.abc import Iterator

import pytest

from patchlake_cli.embedded.server import EmbeddedAws, start_server
from patchlake_cli.embedded.settings import Conditions, Settings

ACCOUNTS, REGIONS, NODES = 3, 2, 700
REFUSED = Settings(accounts=ACCOUNTS).account_list()[-1].account_id


@pytest.fixture(scope="module")
def shared_aws() -> Iterator[EmbeddedAws]:
    conditions = Conditions(refused_accounts=frozenset({REFUSED}))
    with start_server(Settings(nodes=NODES, accounts=ACCOUNTS, regions=REGIONS, days=3, conditions=conditions)) as aws:
        yield aws


@pytest.fixture
def aws(shared_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    yield shared_aws
    shared_aws.change(**{name: getattr(shared_aws.settings.conditions, name) for name in Conditions.__struct_fields__})
