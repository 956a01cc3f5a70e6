"""An export that is killed at random moments, repeatedly: the next one continues, and no node is lost."""

import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchlake_cli.embedded.aws.server import EmbeddedAws, start_server
from patchlake_cli.embedded.aws.settings import Conditions, Settings
from tests.command_line import PATCHLAKE, objects, patchlake, variables

KILLS = 20
LONGEST_SECONDS = 1.0
"""Seconds until a kill; longer than the listing takes, which restarts each time until it is stored."""

SLOW = Settings(nodes=1500, accounts=2, regions=1, conditions=Conditions(latency_seconds=0.01))
ARGUMENTS = ("--accounts", "organization", "--batch-size", "8", "--connections", "1")


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with start_server(SLOW) as aws:
        yield aws


def killed(environment: dict[str, str], lake: Path, seconds: float) -> bool:
    """Export, and kill the process some seconds after it has named its run; False if it had ended by then."""
    command: list[str | Path] = [PATCHLAKE, "export", "--lake", lake, *ARGUMENTS]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stderr is not None
        assert running.stderr.readline().startswith("Run ")
        try:
            return running.wait(seconds) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            running.kill()
            return True


def test_killed_at_twenty_random_moments_it_ends_with_the_same_snapshot(aws: EmbeddedAws, tmp_path: Path) -> None:
    environment = variables(aws.endpoint)
    whole = tmp_path / "whole"
    assert patchlake(environment, "export", "--lake", whole, *ARGUMENTS).returncode == 0
    moments = random.Random(7)  # noqa: S311 - moments are no secrets
    kills, lakes = 0, 0

    while kills < KILLS:
        lakes += 1
        lake = tmp_path / f"lake-{lakes}"
        while kills < KILLS and killed(environment, lake, moments.uniform(0, LONGEST_SECONDS)):
            kills += 1
        ended = patchlake(environment, "export", "--lake", lake, *ARGUMENTS, "--json")

        assert ended.returncode == 0, ended.stderr
        assert objects(lake) == objects(whole)

    assert kills / lakes > 5, "the kills came too late to disturb anything"
