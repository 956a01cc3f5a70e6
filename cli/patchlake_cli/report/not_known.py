"""The part of a report that comes before any percentage: what the run does not know, one sentence for each gap."""

from collections.abc import Callable, Iterator, Mapping

from patchlake.core.counts import counted
from patchlake.core.statuses import ROWS_WITHOUT_ID
from patchlake_cli.lake.runs import rows_in_words
from patchlake_cli.report.figures import Details, Figures, LatestRun, Reason, Unread
from patchlake_cli.report.words import FLEET_UNKNOWN, UNKNOWN_NODES, UNREAD_TARGETS, patch_gap


def not_known(figures: Figures, quoted: Callable[[str], str]) -> Iterator[str]:
    """Yield one sentence for each gap of the figures; none means that everything was read.

    Args:
        figures: of a report.
        quoted: marks a text that other people or services chose.
    """
    for sentence in figures.unpublished:
        yield f"A newer run is not in this report: {quoted(sentence)}."
    if figures.details is not None:
        yield from _nodes(figures.run, figures.details)
        yield from _secondary(figures.run, figures.details, quoted)


def _nodes(run: LatestRun, details: Details) -> Iterator[str]:
    for reason in details.unread_targets:
        yield f"{_counted(reason.how_many, 'target')} not read: {_explained(reason, UNREAD_TARGETS)}"
    for those, kind in ((details.unread, "not read"), (details.not_planned, "of earlier runs, no longer planned")):
        if those.targets:
            yield f"The nodes of {_counted(those.targets, 'target')} {kind}: {_last_known(those)}"
    if run.rows_without_id:
        yield f"{rows_in_words(run.rows_without_id)}. {ROWS_WITHOUT_ID.sentence}"
    for reason in details.unknown_nodes:
        yield f"The state of {_counted(reason.how_many, 'listed node')}: {_explained(reason, UNKNOWN_NODES)}"
    if details.not_compared:
        yield f"The changes in {_counted(details.not_compared, 'target')} since an earlier run."


def _secondary(run: LatestRun, details: Details, quoted: Callable[[str], str]) -> Iterator[str]:
    statuses = {"patches": run.patches_status, "instances": run.instances_status, "tags": run.tags_status}
    for gap in details.patches.gaps if run.patches_status != "NOT_ASKED" else ():
        where = _counted(gap.targets, "target") if gap.targets else _counted(gap.nodes, "node")
        yield f"The patches of {where}: {quoted(gap.reason)}. {patch_gap(gap.reason)}"
    if details.fleet.instances_not_managed is None and run.instances_status != "NOT_ASKED":
        reason = FLEET_UNKNOWN.get(details.fleet.fleet_unknown_reason or "", "no target was read")
        yield f"The number of instances that Systems Manager does not manage: {reason}."
    if run.tags_status not in {"COMPLETE", "NOT_ASKED"}:
        yield "The tags of some nodes: not all could be read."
    if names := [name for name, status in statuses.items() if status == "NOT_ASKED"]:
        *first, last = names
        yield f"This run was not set to read {', '.join(first)}{' or ' if first else ''}{last}."


def _explained(reason: Reason, meanings: Mapping[str, str]) -> str:
    return f"{reason.reason}. {meanings.get(reason.reason, '')}".strip()


def _last_known(those: Unread) -> str:
    if those.last_known_nodes is None:
        return "their number is not known."
    never = f", and {_counted(those.never_read, 'target')} never read" if those.never_read else ""
    return f"{those.last_known_nodes:,} when last read{never}."


def _counted(number: int | None, noun: str) -> str:
    if number is None:
        return f"an unknown number of {noun}s"
    return counted(number, noun)
