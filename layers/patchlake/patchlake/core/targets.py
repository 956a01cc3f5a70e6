"""A target: one (account, region) that a run must cover."""

from typing import NamedTuple

ACCOUNT_ID_PATTERN = r"^[0-9]{12}\Z"
REGION_PATTERN = r"^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}\Z"


class Target(NamedTuple):
    """One account and region; targets sort as their rows do in a snapshot."""

    account_id: str
    region: str

    def __str__(self) -> str:
        """Return the target as in keys and messages."""
        return f"{self.account_id}.{self.region}"


class RunTarget(NamedTuple):
    """The run and the target that rows belong to; ``run_at_ms`` in milliseconds since the epoch."""

    run_id: str
    run_at_ms: int
    target: Target

    def __str__(self) -> str:
        """Name both, as in errors."""
        return f"run {self.run_id}, target {self.target}"
