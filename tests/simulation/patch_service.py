"""DescribeInstancePatches of the simulated SSM: the patches of a scan agree with its counts.

Nothing is taken from the code that asks: the members, the states and the errors are written out as SSM has them.
"""

from collections.abc import Sequence
from itertools import chain, islice, repeat
from random import Random
from typing import Any, NamedTuple

from msgspec.structs import replace

from patchlake.core.records import NodeRecord
from patchlake.errors import RefusedError, RestartError
from tests.simulation import fleet
from tests.simulation.faults import Fault

DESCRIBE_PATCHES = "DescribeInstancePatches"
INVALID_FILTER, INVALID_ID = "InvalidFilter", "InvalidInstanceId"

_DECIDING = (
    ("missing_count", "Missing"),
    ("failed_count", "Failed"),
    ("installed_pending_reboot_count", "InstalledPendingReboot"),
    ("installed_rejected_count", "InstalledRejected"),
    ("critical_non_compliant_count", None),
    ("security_non_compliant_count", None),
    ("other_non_compliant_count", None),
)
"""The counts that decide whether a node is compliant, each with the state of the patches that it counts."""
COUNTED_STATES = {count: state for count, state in _DECIDING if state} | {
    "available_security_update_count": "AvailableSecurityUpdate"
}

_REQUIRED = ("Title", "KBId", "Classification", "Severity", "State", "InstalledTime")
BAD_VALUES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"InstalledTime": "yesterday"}, "InstalledTime: expected `float`, got `str`"),
    ({"Title": None}, "Title: it is absent"),
    ({"KBId": 5}, "KBId: expected `str`, got `int`"),
    ({"CVEIds": ["CVE-2026-1"]}, "CVEIds: expected `str | null`, got `array`"),
)
"""Members with a bad value, each with the reason that a lake says."""
NO_ROWS: tuple[tuple[Any, str], ...] = (
    ("a text", "the row is not an object"),
    (
        {},
        "; ".join(f"{name}: it is absent" for name in _REQUIRED),
    ),
)
"""Rows of which nothing can be read, each with the reason."""


class Scan(NamedTuple):
    """The patches that a scan found, in the service's order; ``serial`` is another one after each scan."""

    serial: int
    rows: Sequence[dict[str, Any]]


NO_SCAN = Scan(1, ())


class Said(NamedTuple):
    """One page as the service answered it: to a question about ``states``, with a token of its own."""

    states: tuple[str, ...]
    rows: Sequence[Any]
    next_token: str | None
    at_ms: int


def scanned(instance_id: str, serial: int) -> tuple[NodeRecord, Scan]:
    """Return a node's patch state and its patches; counts are often all 0 but one, which is above 0 or absent."""
    counts: dict[str, int | None] = dict.fromkeys((name for name, _ in _DECIDING), 0)
    alone, kind = divmod(serial % 24, len(_DECIDING))
    available: int | None = None
    match alone:
        case 0:
            counts[_DECIDING[kind][0]] = 1 + serial % 3
        case 1:
            counts[_DECIDING[kind][0]] = None
        case 2:
            available = (None, 0, 1, 2, 3, 1, 2)[kind]
        case _:
            counts |= {name: (serial + place) % 3 for place, (name, _) in enumerate(_DECIDING)}
            available = serial % 2
    state = replace(fleet.scanned(instance_id, serial), **counts, available_security_update_count=available)
    numbers = {found: getattr(state, name) for name, found in COUNTED_STATES.items()}
    # What SSM did not count may be there all the same; and it has patches of other states.
    wanted = {name: serial % 2 if number is None else number for name, number in numbers.items()}
    states = list(
        chain(*(repeat(name, number) for name, number in {**wanted, "Installed": 1, "NotApplicable": 2}.items()))
    )
    Random(serial).shuffle(states)  # noqa: S311  # a schedule is to be replayed
    return state, Scan(serial, [_row(name, serial, place) for place, name in enumerate(states)])


def _row(state: str, serial: int, place: int) -> dict[str, Any]:
    pair, which = divmod(place, 2)
    is_open = state in {"Missing", "Failed"}
    return {
        # Two patches of a node have one id, others one title, which may be empty; no two have both.
        "Title": f"update {which}" if which or serial % 5 else "",
        "KBId": f"KB50000{(pair * 7 + serial) % 11:02d}",
        "Classification": ("SecurityUpdates", "Bugfix", "")[place % 3],
        "Severity": ("Critical", "", "Unspecified")[(serial + place) % 3],
        "State": state,
        "InstalledTime": 0.0 if is_open or place % 4 == 0 else 1_790_000_000.25 + serial,
        **({"CVEIds": f"CVE-2026-{serial},CVE-2025-{place}"} if is_open and which else {}),
    }


def page(
    scan: Scan | None, request: dict[str, Any], token: str | None, size: int, *, refuses_filter: bool
) -> tuple[list[Any], str | None]:
    """Return the rows of one page and the token of the next one.

    Args:
        scan: of the node; None where SSM does not know it.
        request: the members of the call, without those of the page.
        token: of the page.
        size: the most rows of a page.
        refuses_filter: whether a filter with several values is refused.

    Raises:
        RefusedError: the filter or the node is refused.
        RestartError: the node was scanned since, and has no such page any longer.
    """
    wanted = states_of(request)
    if refuses_filter and len(wanted) > 1:
        raise RefusedError("NOT_LISTED", INVALID_FILTER, "several values", DESCRIBE_PATCHES)
    if scan is None:
        raise RefusedError("NOT_LISTED", INVALID_ID, "no such node", DESCRIBE_PATCHES)
    rows = [row for row in scan.rows if row["State"] in wanted or not wanted]
    if token is None and scan.serial % 6 == 0:
        return [], "first 0"  # An empty page is no end.
    start = int(token.split()[1]) if token else 0
    if start > len(rows):
        raise RestartError(Fault.INVALID_TOKEN)
    end = start + size
    return list(islice(rows, start, end)), f"next {end}" if end < len(rows) else None


def states_of(request: dict[str, Any]) -> tuple[str, ...]:
    """Return the states that a call asks for; none means all."""
    return tuple(value for each in request.get("Filters", ()) for value in each["Values"])


def damaged(rows: Sequence[Any], fault: Fault, random: Random) -> list[Any]:
    """Return the rows of a page after a fault."""
    if not rows:
        return list(rows)
    match fault:
        case Fault.ANSWERED_TWICE:
            return [*rows, {**rows[0], "State": "Failed", "Severity": "another"}]
        case Fault.BAD_VALUE:
            values, _ = random.choice(BAD_VALUES)
            return [*rows[:-1], {**rows[-1], **values}]
        case _:
            return [*rows[:-1], random.choice(NO_ROWS)[0]]
