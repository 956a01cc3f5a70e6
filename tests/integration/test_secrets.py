"""Sensitive members and credentials never leak, for any answer of SSM and any outcome of a run."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from patchlake.core.keys import snapshot_key
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.aws.settings import FaultRates
from tests.deployed import POISON, SECRET, DeployedRun, new_stack, running

PRESIGNED = f"s3://patches/list.yaml?X-Amz-Credential={POISON}&X-Amz-Signature={POISON}"
CONTROL = 'line one\nline two\r\u2028\x1b[31m {"level": "ERROR"}'

SPOILT_INFORMATION: list[dict[str, Any]] = [
    {},
    {"IPAddress": [POISON]},
    {"IPAddress": {POISON: POISON}},
    {"LastPingDateTime": POISON},
    {"IsLatestVersion": POISON, "ComputerName": CONTROL},
]
SPOILT_STATES: list[dict[str, Any]] = [
    {},
    {"OwnerInformation": [POISON]},
    {"OwnerInformation": 7},
    {"MissingCount": POISON},
    {"MissingCount": -1},
    {"OperationEndTime": POISON},
    {"PatchGroup": CONTROL},
    {"InstanceId": POISON},
]
BROKEN_ROWS = len(SPOILT_INFORMATION) + len(SPOILT_STATES) - 3
"""The rows that break a rule: all but the two without a change, and that with another patch group."""


def poison(aws: EmbeddedAws) -> None:
    """Let SSM answer with marked members: in good rows, and in rows that break every kind of rule."""
    target = aws.fleet.targets[0]
    nodes = [node for node in aws.fleet.nodes(target, 0) if node.patch_state is not None]
    information, states = {}, {}
    for node, spoilt in zip(nodes, SPOILT_INFORMATION, strict=False):
        row = node.information | {"IPAddress": POISON} | spoilt
        information[node.instance_id] = json.dumps(row)
    for node, spoilt in zip(nodes[len(SPOILT_INFORMATION) :], SPOILT_STATES, strict=False):
        row = (node.patch_state or {}) | {"OwnerInformation": POISON, "InstallOverrideList": PRESIGNED} | spoilt
        states[node.instance_id] = json.dumps(row)
    aws.change(
        information_answers=information,
        patch_state_answers=states,
        faults=FaultRates(
            throttling=0.1, internal_error=0.1, truncated_body=0.1, connection_reset=0.1, invalid_next_token=0.5
        ),
    )


def texts(run: DeployedRun) -> Iterator[str]:
    """The whole content of a run's objects: their names, footers and cells."""
    for key, body in run.objects().items():
        yield key
        if key.endswith(".parquet"):
            table = pq.read_table(BytesIO(body))
            yield f"{table.schema.metadata} {table.to_pylist()}"
        else:
            yield body.decode()


def test_no_object_and_no_line_has_a_sensitive_value_by_default(aws: EmbeddedAws, tmp_path: Path) -> None:
    poison(aws)
    with running(aws, new_stack(aws), 0, tmp_path) as run:
        run.fire()
        run.wait_until_committed()

        found = [hit for text in texts(run) for hit in SECRET.findall(text)]

        assert sum(row[4] is not None for row in run.nodes()) >= BROKEN_ROWS
        assert not found


def test_what_is_asked_for_is_stored_and_still_not_logged(aws: EmbeddedAws, tmp_path: Path) -> None:
    poison(aws)
    with running(aws, new_stack(aws, IncludeSensitiveFields="true"), 0, tmp_path) as run:
        run.fire()
        run.wait_until_committed()

        rows = pq.read_table(BytesIO(run.objects()[snapshot_key(run.run_id)])).to_pylist()

        assert {POISON} < {row["ip_address"] for row in rows}
        assert POISON in {row["owner_information"] for row in rows}
        assert PRESIGNED in {row["install_override_list"] for row in rows}


@pytest.mark.parametrize("secret", [POISON, "embedded-secret", "10.1.2.3"])
def test_a_logged_secret_fails_the_test_that_runs_the_functions(secret: str) -> None:
    assert SECRET.search(json.dumps({"message": f"said {secret}"}))
