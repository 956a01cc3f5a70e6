"""The expected rows of the patches of a node, derived again from the rows that the service answered.

Columns, rules and reasons are written out: none of it is taken from the code that asks, reads or writes.
"""

from typing import Any

from patchlake.core.tables import Columns
from tests.simulation.patch_service import BAD_VALUES, NO_ROWS, Said

COLUMNS = ["title", "kb_id", "classification", "severity", "state", "installed_time", "cve_ids"]
STATES = ("Missing", "Failed", "InstalledPendingReboot", "InstalledRejected", "AvailableSecurityUpdate")
_MEMBERS = dict(
    zip(COLUMNS, ("Title", "KBId", "Classification", "Severity", "State", "InstalledTime", "CVEIds"), strict=True)
)
DECIDING = (
    "missing_count",
    "failed_count",
    "installed_pending_reboot_count",
    "installed_rejected_count",
    "critical_non_compliant_count",
    "security_non_compliant_count",
    "other_non_compliant_count",
)
AVAILABLE = "available_security_update_count"


def asked(rows: Columns) -> list[str]:
    """Return the nodes that SSM is asked about: those that may lack something, or could have a security update."""
    nodes = [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)]
    return [node["instance_id"] for node in nodes if node["collection_status"] == "COLLECTED" and _is_open(node)]


def _is_open(node: dict[str, Any]) -> bool:
    if any(node[name] is None or node[name] > 0 for name in DECIDING):
        return True
    return node[AVAILABLE] is not None and node[AVAILABLE] > 0


def request_problem(instance_ids: tuple[str, ...], request: dict[str, Any], size: int, *, refused: bool) -> str | None:
    """Return where a call is not about one node and all five states, or one of them once the filter was refused."""
    by_state = [{"Key": "State", "Values": [state]} for state in STATES]
    filters = by_state if refused else [{"Key": "State", "Values": list(STATES)}]
    if set(request) != {"InstanceId", "Filters"} or (request["InstanceId"],) != instance_ids or size != 50:
        return f"{request}, {size} a page, about {instance_ids}"
    if len(request["Filters"]) != 1 or request["Filters"][0] not in filters:
        return f"{request}, where the filter was {'' if refused else 'not '}refused"
    return None


def is_whole(said: list[Said]) -> bool:
    """Whether a chain came to its end: that of one question about all states, or one about each."""
    ended = [page.states for page in said if page.next_token is None]
    questions = list(dict.fromkeys(page.states for page in said))
    return questions == ended and (ended == [STATES] or sorted(ended) == sorted((state,) for state in STATES))


def answered(said: list[Said], whose: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a node whose chain is whole: each patch once, as its last row has it, by id and title.

    Args:
        said: the pages.
        whose: the columns that name the node.
    """
    nothing = dict.fromkeys(COLUMNS)
    at = said[-1].at_ms
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    lost = None
    for page in said:
        for row in page.rows:
            if reason := next((why for nothing_read, why in NO_ROWS if row == nothing_read), None):
                lost = reason
                continue
            values = {column: row.get(member) for column, member in _MEMBERS.items()}
            reason = next((why for bad, why in BAD_VALUES if all(row.get(n) == v for n, v in bad.items())), None)
            if reason is not None:
                values[next(column for column, member in _MEMBERS.items() if reason.startswith(f"{member}:"))] = None
            installed = values["installed_time"]
            values["installed_time"] = round(installed * 1000) if installed else None
            kb_id, title = values["kb_id"], values["title"]
            number = 0 if kb_id is not None and title is not None else len(found) + 1
            found[kb_id or "", title or "", number] = {
                **whose,
                "collection_status": "COLLECTED",
                "collection_detail": reason,
                "collected_at": page.at_ms,
                **values,
            }
    if lost is not None:
        return [_status(whose, "INVALID_RESPONSE", lost, at) | nothing]
    return [found[key] for key in sorted(found)] or [_status(whose, "NO_PATCHES", None, at) | nothing]


def _status(whose: dict[str, Any], status: str, detail: str | None, at: int) -> dict[str, Any]:
    return {**whose, "collection_status": status, "collection_detail": detail, "collected_at": at}
