"""A target: one (account, region) that a run must cover."""

import re
from typing import Final, Literal, NamedTuple

ACCOUNT_ID_PATTERN = r"^[0-9]{12}\Z"
UNIT_ID_PATTERN = r"^(ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32})\Z"
"""The pattern of the id of an organizational unit, or of the root of an organization."""
REGION_PATTERN = r"^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}\Z"

ALL_ENABLED: Final = "all-enabled"
"""The word for every region that our own account has enabled."""

type RegionChoice = Literal["all-enabled"] | tuple[str, ...]
"""The choice of the regions to read: ``ALL_ENABLED``, or their names."""

type AccountChoice = Literal["self", "organization"] | tuple[str, ...]
"""The choice of the accounts to read: a word, or ids of accounts and organizational units."""


def is_unit_id(text: str) -> bool:
    """Whether a text is the id of an organizational unit or root, which stands for all accounts below it."""
    return re.match(UNIT_ID_PATTERN, text) is not None


def chosen_units(accounts: AccountChoice) -> list[str]:
    """Return the ids of organizational units and roots in a choice of accounts."""
    return [] if isinstance(accounts, str) else [each for each in accounts if is_unit_id(each)]


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
