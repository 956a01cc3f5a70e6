"""The gaps of a lake's newest run: the reasons why an answer from the views does not cover the whole fleet."""

from collections.abc import Iterator, Sequence
from datetime import date

from patchlake.core.counts import counted
from patchlake.core.run import run_date
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.files import is_of_a_run
from patchlake_cli.lake.parameters import Parameter, ParameterType
from patchlake_cli.lake.runs import first_named

UNREAD = "is_planned AND is_active AND listing_status <> 'LISTED'"
"""The condition of a target of ``latest_coverage`` that the run was to read, and did not."""


def find_gaps(lake: Lake, parameters: Sequence[Parameter] = (), values: Sequence[str] = ()) -> list[str]:
    """Return a sentence for each gap; none if the newest run is COMPLETE, and its history reaches back far enough.

    Args:
        lake: the lake that answers.
        parameters: the parameters of the query.
        values: the value of each.

    Raises:
        LakeError: a file cannot be read.
    """
    [(run_id, status, coverage)] = lake.select("SELECT run_id, run_status, run_coverage FROM latest_run").rows
    if run_id is None:
        return [*left_out(lake, None), no_snapshot(lake)]
    found = [*_outside(lake, parameters, values), *left_out(lake, run_id)]
    if status != "COMPLETE":
        unread = ", ".join([*_targets(lake), *_nodes(lake)]) or "see --named not_read"
        found.append(f"run {run_id} is {status}: {coverage}; not read: {unread}")
    return found


def has_snapshot(lake: Lake) -> bool:
    """Whether the window has a published run.

    Raises:
        LakeError: a file cannot be read.
    """
    return lake.select("SELECT run_id FROM latest_run WHERE run_id IS NOT NULL").rows != []


def no_snapshot(lake: Lake) -> str:
    """Return why the window has no published run, and what to ask instead."""
    past = [run_date for run_date in lake.run_dates if run_date <= lake.date]
    if not past:
        first = lake.run_dates[0]
        return f"no snapshot up to {lake.date}: the first run is from {first}. Use --as-of {first} or a later date"
    if past[-1] >= lake.window_start:
        return f"no snapshot since {lake.window_start}: no run in the window is published"
    return (
        f"no snapshot since {lake.window_start}: the newest run is from {past[-1]}. "
        f"Use --as-of {past[-1]} to see the lake as it was then"
    )


def left_out(lake: Lake, answering: str | None) -> Iterator[str]:
    """Yield a sentence for each reason why a run does not answer that may be newer than the one that does.

    There may be runs after today, by a clock that is wrong. A run in the window may have tables that do not agree, and
    the coverage of any date may have the rows of another run.

    Raises:
        LakeError: a file cannot be read.
    """
    if lake.is_present and (newest := lake.run_dates[-1]) > lake.date:
        yield (
            f"the newest run is from {newest}, later than today, {lake.date}, by this machine's clock. Check the "
            f"clock, or use --as-of {newest}"
        )
    since = ("", "") if answering is None else (answering, run_date(answering))
    runs = lake.select(
        """
        SELECT
          coalesce(covered.run_id, stored.run_id) AS run_id,
          coalesce(covered.run_date, stored.run_date) AS run_date,
          covered.nodes,
          stored.nodes
        FROM (
          SELECT run_id, run_date, coalesce(sum(nodes_listed), 0) AS nodes
          FROM recent_coverage
          WHERE run_id > ? OR run_date > ?
          GROUP BY run_id, run_date
        ) AS covered
        FULL OUTER JOIN (
          SELECT run_id, run_date, count(*) AS nodes
          FROM recent_patch_states
          WHERE run_id > ? OR run_date > ?
          GROUP BY run_id, run_date
        ) AS stored ON stored.run_id = covered.run_id AND stored.run_date = covered.run_date
        ORDER BY run_date, run_id
        """,
        (*since, *since),
    ).rows
    instead = "" if answering is None else f". Run {answering} answers instead"
    earlier = lake.select(
        "SELECT DISTINCT run_date, run_id FROM recent_coverage "
        "WHERE run_date <> CAST(CAST(run_at AS date) AS varchar) AND run_id <= ? AND run_date <= ? ORDER BY run_date",
        since,
    ).rows
    yield from (_misplaced(day, run_id) for day, run_id in earlier)
    for run_id, day, listed, stored in runs:
        if run_id is None or not is_of_a_run(day, run_id):
            yield f"{_misplaced(day, run_id)}{instead}"
            continue
        known = "it has no coverage" if listed is None else f"its coverage counts {counted(listed, 'node')}"
        yield (
            f"run {run_id} is UNPUBLISHED: {known}, and its snapshot has {stored or 0:,}. It is being published, or "
            f"its files are damaged, or copied{instead}"
        )


def _misplaced(day: str, run_id: str | None) -> str:
    if run_id is None:
        return (
            f"a run of {day} is UNPUBLISHED: its file has rows without run_id. It is damaged, or its columns have "
            "other names, such as RUN_ID"
        )
    return f"a run of {day} is UNPUBLISHED: its file has rows of run {run_id}. It is damaged, or copied"


def _outside(lake: Lake, parameters: Sequence[Parameter], values: Sequence[str]) -> Iterator[str]:
    """Find the dates that lie outside the history that the views see, so that they have no run before or after them."""
    [(first, last)] = lake.select("SELECT min(run_date), max(run_date) FROM runs WHERE is_published").rows
    for parameter, value in zip(parameters, values, strict=True):
        if parameter.type is not ParameterType.DATE:
            continue
        if value >= last:
            yield f"{parameter.name}={value} has no later run: the newest one is from {last}"
        if value < first:
            older = [run_date for run_date in lake.run_dates if run_date <= value]
            advice = f". Use --window-days {_days(older[-1], lake.date)} to look further back" if older else ""
            yield f"{parameter.name}={value} is before the first run in the window, which is from {first}{advice}"


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def _targets(lake: Lake) -> list[str]:
    unread = lake.select(
        f"SELECT account_id, region, listing_status FROM latest_coverage WHERE {UNREAD} ORDER BY account_id, region"  # noqa: S608
    ).rows
    names = [f"{account_id} {region} ({status})" for account_id, region, status in unread]
    return first_named(names, "more target")


def _nodes(lake: Lake) -> list[str]:
    unread = lake.select(
        "SELECT count(*), collection_status FROM latest_patch_states "
        "WHERE collection_status IN ('NOT_COLLECTED', 'INVALID_RESPONSE') "
        "GROUP BY collection_status ORDER BY collection_status"
    ).rows
    return [f"{counted(nodes, 'node')} ({status})" for nodes, status in unread]
