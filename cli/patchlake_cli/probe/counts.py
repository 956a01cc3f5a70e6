"""The counts of a node's patch state, where they are counts."""

from collections.abc import Mapping
from typing import Any, Final

from patchlake_cli.probe.answers import PatchState

COUNT_OF_STATE: Final[Mapping[str, str]] = {
    "Missing": "missing_count",
    "Failed": "failed_count",
    "InstalledPendingReboot": "installed_pending_reboot_count",
    "InstalledRejected": "installed_rejected_count",
    "AvailableSecurityUpdate": "available_security_update_count",
}
"""The member that counts the patches in each state that patchlake asks for."""

OPEN_STATES: Final = tuple(state for state in COUNT_OF_STATE if state != "AvailableSecurityUpdate")
"""The states of patches that count against a node."""

SEVERITY_COUNTS: Final = (
    "critical_non_compliant_count",
    "security_non_compliant_count",
    "other_non_compliant_count",
)


def count_of(state: PatchState, patch_state: str) -> int | None:
    """Return the number of patches in a state; None if the answer has none."""
    return as_count(getattr(state, COUNT_OF_STATE[patch_state]))


def as_count(value: Any) -> int | None:  # noqa: ANN401
    """Return a value as a count; None if it is not a count."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
