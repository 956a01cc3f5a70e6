"""Thirty days of one stack whose functions stay warm, with faults on: nothing is lost, and memory stays flat."""

import os
import re
from collections import Counter, defaultdict
from pathlib import Path

from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Conditions, FaultRates, Settings
from tests.deployed import DeployedRun, new_stack, readable_nodes, running, sqs

DAYS = 30
WARM_DAYS = 10
MOST_GROWTH = 1.02
STAGES = ("plan", "discover", "collect", "commit")
FAULTS = FaultRates(
    throttling=0.05, internal_error=0.05, truncated_body=0.05, connection_reset=0.02, invalid_next_token=0.25
)
REFUSED = Settings().account_list()[-1].account_id
SETTINGS = Settings(nodes=400, days=DAYS, conditions=Conditions(refused_accounts=frozenset({REFUSED}), faults=FAULTS))


def resident_kilobytes(stack: str) -> dict[str, int]:
    """Return the memory of each of a stack's function processes, by function and process id.

    Only processes that this process has started: another one may have a stack of the same name.
    """
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = re.search(rf"AWS_LAMBDA_FUNCTION_NAME=({stack}-\w+)", (process / "environ").read_text())
            status = (process / "status").read_text()
        except (PermissionError, FileNotFoundError, ProcessLookupError):
            continue  # another user's, or it has just ended
        memory = re.search(r"VmRSS:\s+(\d+)", status)
        if name and memory and f"PPid:\t{os.getpid()}\n" in status:
            found[f"{name[1]} {process.name}"] = int(memory[1])
    return found


def dead_letters(run: DeployedRun) -> dict[str, str]:
    """Return how many messages each dead-letter queue of the stack holds."""
    client = sqs(run.aws.endpoint)
    urls = client.list_queues(QueueNamePrefix=run.pipeline.stack.name)["QueueUrls"]
    return {
        url: client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"][
            "ApproximateNumberOfMessages"
        ]
        for url in urls
        if url.endswith("-dead-letter")
    }


def test_thirty_days_with_faults_lose_nothing_and_need_no_more_memory(tmp_path: Path) -> None:
    memory: defaultdict[str, list[int]] = defaultdict(list)
    faults: Counter[str] = Counter()
    with start_server(SETTINGS) as aws, running(aws, new_stack(aws), 0, tmp_path) as first:
        run = first
        for day in range(DAYS):
            run = first.on_day(day) if day else first
            run.fire()
            run.wait_until_committed()
            assert [row[:3] for row in run.nodes()] == readable_nodes(run)
            faults.update(aws.statistics().faults)
            for process, kilobytes in resident_kilobytes(run.pipeline.stack.name).items():
                memory[process].append(kilobytes)
        assert set(run.versions().values()) == {1}
        assert set(dead_letters(run).values()) == {"0"}

    growth = {process: kilobytes[-1] / kilobytes[WARM_DAYS] for process, kilobytes in memory.items()}
    print(f"{DAYS} days, faults {dict(faults)}, memory after the last day over that of day {WARM_DAYS}: {growth}")  # noqa: T201 # shown by -s
    assert set(faults) == {"throttling", "truncated_body", "internal_error", "connection_reset", "invalid_next_token"}
    assert len({process.split()[0] for process in growth}) == len(STAGES)
    assert max(growth.values()) < MOST_GROWTH
