"""The targets that left the plan, as one sentence: earlier runs in the window planned them, and a run did not.

They make no run PARTIAL, since the run read all that it should. But its figures lack their nodes.
"""

from patchlake.core.counts import counted
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.runs import named


def departures(lake: Lake, run_id: str) -> str | None:
    """Return one sentence about the targets that left the plan before a run; None if there are none.

    Raises:
        LakeError: a file cannot be read.
    """
    left = lake.select(
        "SELECT account_id, region, last_known_nodes FROM target_runs "
        "WHERE run_id = ? AND is_active AND NOT is_planned ORDER BY account_id, region",
        (run_id,),
    ).rows
    if not left:
        return None
    known = [nodes for _, _, nodes in left if nodes is not None]
    nodes = f"{counted(sum(known), 'node')} when last listed"
    never = len(left) - len(known)
    listed = ", ".join([*([nodes] if known else []), *([f"{never:,} never listed"] if never else [])])
    return (
        f"run {run_id} does not plan {counted(len(left), 'target')} of earlier runs: "
        f"{named([(account_id, region) for account_id, region, _ in left])} ({listed}). "
        "See --named no_longer_planned"
    )


def departures_of_newest(lake: Lake) -> list[str]:
    """Return that sentence about the newest published run, if there is one.

    Raises:
        LakeError: a file cannot be read.
    """
    [(run_id,)] = lake.select("SELECT run_id FROM latest_run").rows
    sentence = None if run_id is None else departures(lake, run_id)
    return [] if sentence is None else [sentence]
