"""The patches that nodes need, as a report shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from patchlake_cli.report.shortlist import Shortlist


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch that nodes need; the numbers of nodes and accounts are those that are known."""

    kb_id: str
    title: str
    severity: str | None
    severity_rank: int
    nodes_lower_bound: int
    accounts_lower_bound: int
    nodes_failed: int
    nodes_awaiting_reboot: int
    cves: int | None
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class PatchGap:
    """A reason why the patches of nodes are not known.

    Attributes:
        targets: the targets to which it applies as a whole.
        nodes: the nodes that this is known to concern; None if their number is not known.
    """

    reason: str
    targets: int
    nodes: int | None


@dataclass(frozen=True, slots=True)
class Patches:
    """The patches of a run.

    Attributes:
        gaps: the reasons why patches are not known.
        worst: the patches that nodes need, most nodes first.
        cve_ids: the CVEs of the patches in ``worst``, by the id and title of the patch.
    """

    gaps: Sequence[PatchGap]
    worst: Shortlist[Patch]
    cve_ids: Mapping[tuple[str, str], Sequence[str]]
