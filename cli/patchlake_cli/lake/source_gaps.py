"""The gaps of the secondary sources that a statement reads: a run's snapshot may be whole without their tables."""

from collections.abc import Collection, Iterator

from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.runs import first_named
from patchlake_cli.lake.statements import HISTORY, RECENT, views

_SAYING_THEIR_GAPS = frozenset({"runs", HISTORY + "runs", "target_compliance", "policy_tags"})
"""The views that read secondary tables and say in their own rows what they lack: which tables are there, and why the
number of unmanaged instances is not known; or that matter only where the policy names a tag (`policy_gaps`). A
statement over one of them is not about these tables."""

_OF_SEVERAL_RUNS = "is_latest"
"""The column of a view that has the rows of several runs, so that a statement may ask about any of them."""


def find_source_gaps(lake: Lake, relations: Collection[str], *, of_newest: bool) -> list[str]:
    """Return a sentence for each secondary source that is not COMPLETE in a run that a statement may ask about.

    Args:
        lake: the lake that answers.
        relations: the tables and views that the statement names.
        of_newest: whether it asks about the newest run only, or its rows say what is not known of earlier ones.

    Raises:
        LakeError: a file cannot be read.
    """
    return [
        gap
        for source in sources_of(relations)
        for gap in gaps_of_source(lake, source, several=not of_newest and _reads_several_runs(relations, source))
    ]


def sources_of(relations: Collection[str]) -> list[str]:
    """Return the secondary sources whose tables these relations read, directly or through views."""
    found = relations_below(relations, except_for=_SAYING_THEIR_GAPS)
    return [source.name for source in SOURCES.secondary if _tables(source.name) & found]


def relations_below(relations: Collection[str], *, except_for: Collection[str] = ()) -> set[str]:
    """Return these relations and all that they read, directly or through views other than ``except_for``."""
    read, found = {view.name: view.relations for view in views()}, set(relations)
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        further = set(read.get(name, ()) if name not in except_for else ()) - found
        found |= further
        waiting += further
    return found


def _reads_several_runs(relations: Collection[str], source: str) -> bool:
    found = {view.name: view for view in views()}
    return any(
        name in _tables(source) or _OF_SEVERAL_RUNS in found[name].tree.named_selects
        for name in relations
        if source in sources_of([name])
    )


def _tables(source: str) -> set[str]:
    return {source, RECENT + source, HISTORY + source}


def gaps_of_source(lake: Lake, source: str, *, several: bool) -> Iterator[str]:
    """Yield a sentence where a source of the newest run is not COMPLETE, and one about several runs if these matter.

    Raises:
        LakeError: a file cannot be read.
    """
    runs = lake.select(f"SELECT run_id, is_latest, {source}_status FROM runs WHERE is_published ORDER BY run_id").rows  # noqa: S608
    unread = [(run_id, status) for run_id, is_latest, status in runs if status != "COMPLETE" and not is_latest]
    for run_id, status in [(run_id, status) for run_id, is_latest, status in runs if is_latest]:
        if status != "COMPLETE":
            yield f"the {source} of run {run_id} are {status}{_explained(lake, source, status)}"
    if several and unread:
        names = [f"{run_id} ({status})" for run_id, status in reversed(unread)]
        yield f"the {source} of earlier runs are not COMPLETE: {', '.join(first_named(names, 'older run'))}"


def _explained(lake: Lake, source: str, status: str) -> str:
    match status:
        case "NOT_ASKED":
            return ": the run did not read this table"
        case "UNPUBLISHED":
            return ": the table does not have the rows that the coverage counts"
    unread = lake.select(
        f"SELECT account_id, region, {source}_detail FROM latest_coverage "  # noqa: S608
        f"WHERE is_active AND is_planned AND {source}_status <> 'COMPLETE' ORDER BY account_id, region"
    ).rows
    names = [f"{account_id} {region} ({detail})" for account_id, region, detail in unread]
    return f"; not read in full: {', '.join(first_named(names, 'more target'))}"
