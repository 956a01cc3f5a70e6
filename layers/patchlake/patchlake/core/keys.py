"""The keys of the lake, one for each object; only this module joins paths.

::

    plans/<run_id>.json
    runs/<run_id>/shards/<account_id>.<region>.parquet                       of nodes
    runs/<run_id>/shards/<source>/<account_id>.<region>.parquet              of any other listing source
    runs/<run_id>/parts/<account_id>.<region>/<batch:05d>.parquet            of patch_states
    runs/<run_id>/details/<source>/<account_id>.<region>/<number:07d>.parquet  of any other detail source
    lake/<table>/run_date=YYYY-MM-DD/<run_id>.parquet

Root parts have a folder of their own, so that listing them stays cheap. Arguments come from parsed messages and plans:
they are safe in paths.
"""

from collections.abc import Iterable
from string import digits

from patchlake.core.run import is_run_id, run_date
from patchlake.core.targets import Target

ROOT_LISTING = "nodes"
"""The source whose shards decide which nodes a run has."""

ROOT_DETAIL = "patch_states"
"""The source whose published table is the commit."""

MAX_BATCHES = 100_000
"""The maximum number of batches of one target: five digits."""

MAX_PARTS = 10_000_000
"""The maximum number of parts of one secondary detail source and target: seven digits."""

PLANS = "plans/"
RUNS = "runs/"
LAKE = "lake/"
CREATED_ONCE = (PLANS, RUNS, LAKE)
"""The folders of a lake, whose objects are created once and never replaced."""

SNAPSHOTS = f"{LAKE}{ROOT_DETAIL}/"


def plan_key(run_id: str) -> str:
    """Return the key of a run's plan."""
    return f"{PLANS}{run_id}.json"


def run_ids(keys: Iterable[str]) -> set[str]:
    """Return the run ids in the names of keys of plans or published tables."""
    names = (key.rpartition("/")[2].partition(".")[0] for key in keys)
    return {name for name in names if is_run_id(name)}


def shards_prefix(run_id: str, source: str = ROOT_LISTING) -> str:
    """Return the prefix of all shards of a listing source in a run."""
    return f"{RUNS}{run_id}/shards/" if source == ROOT_LISTING else f"{RUNS}{run_id}/shards/{source}/"


def shard_key(run_id: str, target: Target, source: str = ROOT_LISTING) -> str:
    """Return the key of a target's shard."""
    return f"{shards_prefix(run_id, source)}{target}.parquet"


def parts_prefix(run_id: str, source: str = ROOT_DETAIL) -> str:
    """Return the prefix of all parts of a detail source in a run."""
    return f"{RUNS}{run_id}/parts/" if source == ROOT_DETAIL else f"{RUNS}{run_id}/details/{source}/"


def part_key(run_id: str, target: Target, number: int, source: str = ROOT_DETAIL) -> str:
    """Return the key of a part; ``number`` is that of the batch, or of a slice of it (``Plan.part_number``)."""
    digits_of_number = 5 if source == ROOT_DETAIL else 7
    return f"{parts_prefix(run_id, source)}{target}/{number:0{digits_of_number}d}.parquet"


def by_first_digit(prefix: str) -> list[str]:
    """Split the prefix of all shards or parts of a source by the first digit of the account."""
    return [prefix + digit for digit in digits]


def table_key(run_id: str, table: str) -> str:
    """Return the key of a run's file of a published table."""
    return f"{LAKE}{table}/run_date={run_date(run_id)}/{run_id}.parquet"


def coverage_key(run_id: str) -> str:
    """Return the key of a run's published coverage."""
    return table_key(run_id, "coverage")


def snapshot_key(run_id: str) -> str:
    """Return the key of a run's snapshot: the object whose existence is the commit."""
    return table_key(run_id, ROOT_DETAIL)
