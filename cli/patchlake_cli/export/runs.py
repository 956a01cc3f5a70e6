"""Which run an export works on: the newest unfinished one with equal settings, or a new one."""

from patchlake.core.run import run_id_of
from patchlake.ports import Clock


def current_run_id(clock: Clock) -> str:
    """Name the run of the current minute, by AWS's time."""
    return run_id_of(clock.now().replace(second=0).isoformat())
