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
from patchlake_cli.access.permissions import SOURCE_PERMISSIONS
from patchlake_cli.lake.departures import departures
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.overview import AnsweredQuestion, answer_questions
from patchlake_cli.terminal.console import error_console, output_console, warn
from patchlake_cli.terminal.observation import Observation
from patchlake_cli.terminal.run_summary import RunSummary, print_run, print_sources, read_summary


@dataclass(frozen=True, slots=True)
class Page:
    """One run of a lake; ``answers`` are about the newest run, and empty for an older one.

    Attributes:
        departures: a sentence about the targets that left the plan before the run; None if there are none.
        later_run_id: the next run of the lake; None if this is the last one.
    """

    summary: RunSummary
    answers: list[AnsweredQuestion]
    refusals: Refusals
    departures: str | None
    later_run_id: str | None


def read_page(lake: Lake, tables: str, observation: Observation, seconds: float) -> Page:
    """Read a published run.

    Args:
        lake: the lake of the run.
        tables: the location of its tables.
        observation: the observation of the run.
        seconds: the time that the run took.

    Raises:
        LakeError: a file of the run is missing or damaged.
    """
    run = (observation.run_id,)
    found = lake.select("SELECT is_latest FROM runs WHERE run_id = ? AND run_status <> 'UNPUBLISHED'", run).rows
    if not found:
        msg = (
            f"run {observation.run_id} has ended, but its file of coverage or patch_states is missing or damaged. "
            "Check that no one deletes or changes files of the lake, and that no proxy answers instead of the store"
        )
        raise LakeError(msg)
    [(is_latest,)] = found
    summary = read_summary(lake, tables, observation, seconds)
    denied, denied_patches = (
        {
            account_id
            for (account_id,) in lake.select(
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
                SOURCE_PERMISSIONS[PATCHES.name]: denied_patches,
                **{
                    SOURCE_PERMISSIONS[listing.name]: _denied(lake, listing.name, observation.run_id)
                    for listing in (INSTANCES, TAGS)
                },
            },
        ),
        departures=departures(lake, observation.run_id),
        later_run_id=next((run_id for run_id in lake.run_ids if run_id > observation.run_id), None),
    )


def _denied(lake: Lake, listing: str, run_id: str) -> set[str]:
    """Return the accounts that denied a secondary listing."""
    return {
        account_id
        for (account_id,) in lake.select(
            f"SELECT DISTINCT account_id FROM coverage WHERE run_id = ? AND {listing}_status = 'ACCESS_DENIED'",  # noqa: S608  # the name of a source
            (run_id,),
        ).rows
    }


def print_page(page: Page, advice: Sequence[Advice], location: str, *, as_json: bool) -> None:
    """Print the run as the demo does, the advice about refusing targets, and the next command to run."""
    if as_json:
        typer.echo(json.dumps(page.summary.as_json()))
        console = error_console()
        print_sources(console, page.summary.run)
    else:
        console = output_console()
        print_run(console, page.summary, page.answers)
    if page.departures is not None:
        warn(page.departures)
    if (later := page.later_run_id) is not None:
        warn(
            f"the lake has a later run, {later}: as of {run_date(later)} and later dates, query and report do not "
            f"answer from run {page.summary.run.run_id}"
        )
    for each in advice:
        console.print(f"\n{each}", soft_wrap=True)
    lake, as_of = shlex.quote(location), run_date(page.summary.run.run_id)
    console.print(f"Next: patchlake report --lake {lake} --as-of {as_of} --out report.html", soft_wrap=True)
