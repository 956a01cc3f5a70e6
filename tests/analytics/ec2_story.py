"""Four runs of a small fleet with its EC2 instances and their tags, written row by row.

The first run did not read instances, and the second one only one target. The third read everything. The newest one was
refused EC2 in one target and SSM in another, and a listing of nodes had a row without an id. The present is that of
the story without instances: 13 November 2026, 12:00 UTC.
"""

from pathlib import Path
from typing import Any

from patchlake.core.run import milliseconds, run_at
from tests.analytics.story import SHOP
from tests.analytics.synthetic import collected, instance, listed, tag, unread, write_run
from tests.world import HOME

E1 = "20261110T060000Z"
"""It did not read instances."""
E2 = "20261111T060000Z"
"""It planned one target."""
E3 = "20261112T060000Z"
"""It read everything."""
E4 = "20261113T060000Z"
"""The newest."""

EU, US = "eu-central-1", "us-east-1"
A_US = {"account_id": HOME, "region": US}
B_EU = {"account_id": SHOP, "region": EU, "account_name": "shop"}
B_US = {"account_id": SHOP, "region": US, "account_name": "shop"}
IN_B_EU = {"account_id": SHOP, "region": EU}
IN_B_US = {"account_id": SHOP, "region": US}

HYBRID = "mi-0123456789abcdef0"
DENIED = "UnauthorizedOperation"
ROOT_DENIED = "nodes: ACCESS_DENIED"

type Row = dict[str, Any]


def minutes_after(run_id: str, minutes: int) -> int:
    """Return a time of so many minutes after a run's, in milliseconds."""
    return milliseconds(run_at(run_id)) + minutes * 60_000


def covered(run_id: str, nodes: int, instances: int, tags: int, **columns: Any) -> Row:  # noqa: ANN401
    """Return the coverage of a target whose nodes, instances and tags were read."""
    there = {"listed_at": minutes_after(run_id, 10), "rows_without_id": 0}
    return {**listed(nodes, account_name="platform", **there), **_of_ec2(instances, tags), **columns}


def denied(source: str) -> Row:
    """Return the columns of coverage of a target where EC2 refused a source."""
    status = {f"{source}_status": "ACCESS_DENIED", f"{source}_detail": DENIED}
    return {**status, f"{source}_rows": None, f"{source}_rows_without_id": None}


def hybrid(run_id: str, **columns: Any) -> Row:  # noqa: ANN401
    """Return a hybrid node."""
    return collected(run_id, 0, instance_id=HYBRID, **columns)


def write_ec2_story(folder: Path) -> None:
    """Write the lake into a folder."""
    write_run(folder, E1, [listed(1, account_name="platform")], [collected(E1, 1)])
    write_run(
        folder,
        E2,
        [covered(E2, 2, 2, 0)],
        [collected(E2, 1), collected(E2, 2, missing_count=1)],
        instances=[instance(2, state="stopped"), instance(15)],
        tags=[],
    )
    _write_third_run(folder)
    _write_newest_run(folder)


def _write_third_run(folder: Path) -> None:
    write_run(
        folder,
        E3,
        [
            covered(E3, 4, 6, 1),
            covered(E3, 1, 3, 0, **A_US),
            covered(E3, 1, 2, 0, **B_EU),
            covered(E3, 1, 1, 0, **B_US),
        ],
        [
            collected(E3, 1),
            collected(E3, 2, missing_count=1),
            collected(E3, 4),
            hybrid(E3),
            collected(E3, 21, **A_US),
            collected(E3, 31, **IN_B_EU),
            collected(E3, 41, **IN_B_US),
        ],
        instances=[
            instance(1),
            instance(2, state="stopped"),
            instance(11),
            instance(12, operator_managed=True),
            instance(15, state="stopped"),
            instance(19, state="stopped"),
            instance(21, **A_US),
            instance(22, **A_US),
            instance(23, state="pending", **A_US),
            instance(31, **IN_B_EU),
            instance(32, **IN_B_EU),
            instance(41, **IN_B_US),
        ],
        tags=[tag(1, "Owner", "gone")],
    )


def _write_newest_run(folder: Path) -> None:
    write_run(
        folder,
        E4,
        [
            covered(E4, 4, 10, 5),
            covered(E4, 1, 0, 0, **A_US) | denied("instances") | denied("tags"),
            unread(**B_EU) | _of_ec2(3, 2),
            covered(E4, 1, 2, 0, **B_US, rows_without_id=1),
        ],
        [
            collected(E4, 1, ping_status="Online"),
            collected(E4, 2, missing_count=1, ping_status="ConnectionLost"),
            collected(E4, 4),
            hybrid(E4),
            collected(E4, 21, **A_US),
            collected(E4, 41, **IN_B_US),
        ],
        instances=[
            instance(1),
            instance(2, state="stopped"),
            instance(11),
            instance(12, operator_managed=True, operator_principal="eks.amazonaws.com"),
            instance(13, state="pending"),
            # The nodes were listed ten minutes after the run's time.
            instance(14, launch_time=minutes_after(E4, -49)),
            instance(15, state="stopped"),
            instance(16, state="terminated"),
            instance(18, launch_time=minutes_after(E4, -51), image_id="ami-00000018"),
            instance(19, state="stopped", launch_time=minutes_after(E3, 240)),
            instance(31, **IN_B_EU),
            instance(32, **IN_B_EU),
            instance(33, state="terminated", **IN_B_EU),
            instance(41, **IN_B_US),
            instance(42, **IN_B_US),
        ],
        tags=[
            tag(1, "Owner", "shop"),
            tag(1, "Stage", "prod"),
            tag(2, "Owner", "shop"),
            tag(11, "Owner", "data"),
            tag(11, "Stage", ""),
            tag(31, "Owner", "data", **IN_B_EU),
            tag(32, "Owner", "shop", **IN_B_EU),
        ],
    )


def _of_ec2(instances: int, tags: int) -> Row:
    return {
        "instances_status": "LISTED",
        "instances_rows": instances,
        "instances_rows_without_id": 0,
        "tags_status": "LISTED",
        "tags_rows": tags,
        "tags_rows_without_id": 0,
    }
