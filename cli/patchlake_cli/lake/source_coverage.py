"""The coverage of a secondary source in a run: a status of its own, which changes nothing of the run's."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from patchlake.core.counts import counted
from patchlake.core.statuses import ListingStatus
from patchlake.sources.coverage import COMPLETE, PARTIAL, ROWS_WITHOUT_ID
from patchlake.sources.source import Source

_READ = frozenset({COMPLETE, ListingStatus.LISTED})


class SourceStatus(StrEnum):
    """The state of a secondary source in a published run."""

    COMPLETE = "COMPLETE"
    """It read every active target in full, and there is at least one."""
    PARTIAL = "PARTIAL"
    UNPUBLISHED = "UNPUBLISHED"
    """Its table does not have the rows that its coverage counts."""
    NOT_ASKED = "NOT_ASKED"
    """The plan of the run does not name it."""


@dataclass(frozen=True, slots=True)
class SourceGap:
    """A target that a source did not read in full: the status of the source there, and the most frequent reason."""

    account_id: str
    region: str
    reason: str
    status: str

    @property
    def is_denied(self) -> bool:
        """Whether the account denied what the source needs; a detail has only the code of the refusal."""
        return self.status == ListingStatus.ACCESS_DENIED or (
            self.status == PARTIAL and self.reason.startswith("AccessDenied")
        )


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """A source over all targets of a run.

    Attributes:
        targets: the active targets that it was asked about.
        rows: its rows by coverage; None if it was not asked.
    """

    status: SourceStatus
    targets: int = 0
    rows: int | None = None
    gaps: tuple[SourceGap, ...] = ()

    @property
    def reason(self) -> str | None:
        """The most frequent reason of its gaps."""
        reasons = Counter(gap.reason for gap in self.gaps)
        return min(reasons, key=lambda reason: (-reasons[reason], reason), default=None)

    def as_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it."""
        return {
            "status": self.status,
            "rows": self.rows,
            "targets": self.targets,
            "targets_not_read": len(self.gaps),
            "reason": self.reason,
        }


NOT_ASKED = SourceCoverage(SourceStatus.NOT_ASKED)


def columns_of(source: Source, known: Iterable[str]) -> list[str]:
    """Return the columns of coverage about a source that are among the known ones, each without the source's name."""
    members = ("status", "detail", "rows", ROWS_WITHOUT_ID)
    return [member for member in members if f"{source.name}_{member}" in known]


def source_coverage(targets: Iterable[Mapping[str, Any]], published_rows: int | None = None) -> SourceCoverage:
    """Sum up a source.

    Args:
        targets: for each target its account_id and region, and the columns about the source, without its name.
        published_rows: the rows of its table, where they were counted.
    """
    asked = [target for target in targets if target.get("status") is not None]
    if not asked:
        return NOT_ASKED
    active = [target for target in asked if target["status"] != ListingStatus.ACCOUNT_NOT_ACTIVE]
    gaps = tuple(
        SourceGap(target["account_id"], target["region"], _reason(target), target["status"])
        for target in active
        if target["status"] not in _READ or target.get(ROWS_WITHOUT_ID)
    )
    rows = sum(target["rows"] or 0 for target in active)
    if published_rows is not None and published_rows != rows:
        return SourceCoverage(SourceStatus.UNPUBLISHED, len(active), rows, gaps)
    status = SourceStatus.COMPLETE if active and not gaps else SourceStatus.PARTIAL
    return SourceCoverage(status, len(active), rows, gaps)


def _reason(target: Mapping[str, Any]) -> str:
    """Return why a source did not read a target in full, as the views say it."""
    return "rows without an id" if target["status"] in _READ else target["detail"] or target["status"]


def sentence(name: str, coverage: SourceCoverage) -> str | None:
    """Return a sentence about a source; None if it was not asked."""
    about = f"{name.capitalize()} are {coverage.status}: {counted(coverage.rows or 0, 'row')}"
    match coverage.status:
        case SourceStatus.NOT_ASKED:
            return None
        case SourceStatus.COMPLETE:
            return f"{about}."
        case SourceStatus.PARTIAL:
            return (
                f"{about}; {len(coverage.gaps)} of {coverage.targets} targets could not be read in full, for example: "
                f"{coverage.reason}."
            )
        case SourceStatus.UNPUBLISHED:
            return f"{about} according to the coverage, but the table has a different number."
