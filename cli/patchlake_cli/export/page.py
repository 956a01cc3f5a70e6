"""The output of a finished export: the demo's page, advice about refusals, and the next command."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import typer

from patchlake.core.run import run_date
from patchlake.sources.instances import INSTANCES
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.patches import PATCHES
from patchlake.sources.tags import TAGS
from patchlake_cli.access.advice import Advice, Refusals
from patchlake_cli.access.permissions import Permission
from patchlake_cli.lake.departures import departures
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.overview import AnsweredQuestion, answer_questions
from patchlake_cli.terminal.console import error_console, output_console, warn
from patchlake_cli.terminal.observation import Observation
from patchlake_cli.terminal.run_summary import RunSummary, print_run, read_summary


@dataclass(frozen=True, slots=True)
class Page:
    """One run of a lake; ``answers`` are about the newest run, and empty for an older one.

    Attributes:
        sources: a sentence about each secondary source of the run.
        departures: a sentence about the targets that left the plan before the run; None if there are none.
    """

    summary: RunSummary
    answers: list[AnsweredQuestion]
    refusals: Refusals
    sources: list[str]
    departures: str | None


def read_page(lake: Lake, tables: str, observation: Observation, seconds: float) -> Page:
    """Read a published run.

    Args:
        lake: the lake of the run.
        tables: the location of its tables.
        observation: the observation of the run.
        seconds: the time that the run took.
    """
    run = (observation.run_id,)
    summary = read_summary(lake, tables, observation, seconds)
    [(is_latest,)] = lake.query("SELECT is_latest FROM runs WHERE run_id = ?", run).rows
    denied, denied_patches = (
        {
            account_id
            for (account_id,) in lake.query(
                f"SELECT DISTINCT account_id FROM {table} WHERE run_id = ? "  # noqa: S608  # the names of two tables
                "AND collection_status = 'NOT_COLLECTED' AND collection_detail LIKE 'AccessDenied%'",
                run,
            ).rows
        }
        for table in (PATCH_STATES.name, PATCHES.name)
    )
    return Page(
        summary=summary,
        answers=answer_questions(lake) if is_latest else [],
        refusals=Refusals(
            roles={
                target.account_id for target in summary.run.coverage if target.listing_status == "ROLE_NOT_ASSUMABLE"
            },
            denied={target.account_id for target in summary.run.coverage if target.listing_status == "ACCESS_DENIED"}
            | denied,
            denied_sources={
                Permission.READ_PATCHES: denied_patches,
                Permission.LIST_INSTANCES: _denied(lake, INSTANCES.name, observation.run_id),
                Permission.LIST_TAGS: _denied(lake, TAGS.name, observation.run_id),
            },
        ),
        sources=[
            text
            for text in (
                _patches(lake, observation.run_id),
                _listing(lake, INSTANCES.name, observation.run_id),
                _listing(lake, TAGS.name, observation.run_id),
            )
            if text is not None
        ],
        departures=departures(lake, observation.run_id),
    )


def _patches(lake: Lake, run_id: str) -> str | None:
    [(targets, partial, rows, reason)] = lake.query(
        "SELECT count(patches_status), count_if(patches_status = 'PARTIAL'), sum(patches_rows), max(patches_detail) "
        "FROM coverage WHERE run_id = ?",
        (run_id,),
    ).rows
    if not targets:
        return None
    if not partial:
        return f"Patches are COMPLETE: {rows or 0:,} rows."
    return (
        f"Patches are PARTIAL: {rows or 0:,} rows; {partial} of {targets} targets could not be read in full, such as: "
        f"{reason}."
    )


def _denied(lake: Lake, listing: str, run_id: str) -> set[str]:
    """Return the accounts that denied a secondary listing."""
    return {
        account_id
        for (account_id,) in lake.query(
            f"SELECT DISTINCT account_id FROM coverage WHERE run_id = ? AND {listing}_status = 'ACCESS_DENIED'",  # noqa: S608  # the name of a source
            (run_id,),
        ).rows
    }


def _listing(lake: Lake, name: str, run_id: str) -> str | None:
    """Return a sentence about a secondary listing; None if the run does not have it."""
    [(targets, listed, rows, without_id, reason)] = lake.query(
        f"SELECT count({name}_status), count_if({name}_status = 'LISTED'), sum({name}_rows), "  # noqa: S608  # the name of a source
        f"sum({name}_rows_without_id), max({name}_detail) FROM coverage WHERE run_id = ? "
        f"AND {name}_status <> 'ACCOUNT_NOT_ACTIVE'",
        (run_id,),
    ).rows
    if not targets:
        return None
    what = name.title()
    if listed < targets:
        return (
            f"{what} are PARTIAL: {rows or 0:,} rows; {targets - listed} of {targets} targets could not be listed, "
            f"such as: {reason}."
        )
    if without_id:
        return f"{what} are PARTIAL: {rows or 0:,} rows; {without_id:,} more could not be read."
    return f"{what} are COMPLETE: {rows or 0:,} rows."


def print_page(page: Page, advice: Sequence[Advice], location: str, *, as_json: bool) -> None:
    """Print the run as the demo does, the advice about refusing targets, and the next command to run."""
    if as_json:
        typer.echo(json.dumps(page.summary.as_json()))
        console = error_console()
    else:
        console = output_console()
        print_run(console, page.summary, page.answers)
    for sentence in page.sources:
        console.print(sentence, soft_wrap=True, markup=False)
    if page.departures is not None:
        warn(page.departures)
    for each in advice:
        console.print(f"\n{each}", soft_wrap=True)
    lake, as_of = shlex.quote(location), run_date(page.summary.run.run_id)
    console.print(f"Next: patchlake report --lake {lake} --as-of {as_of} --out report.html", soft_wrap=True)
