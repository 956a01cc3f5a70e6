"""The options that several commands share."""

from datetime import datetime
from typing import Annotated

import typer

from patchlake.core.run import run_id_of
from patchlake.errors import InputError
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import Settings

DEFAULTS = Settings()


def read_lake(text: str) -> LakeLocation:
    """Read ``--lake``.

    Raises:
        typer.BadParameter: it is not a location.
    """
    try:
        return LakeLocation.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--lake") from error


def read_run_id(text: str) -> str:
    """Read ``--scheduled-time``.

    Raises:
        typer.BadParameter: it is not a time that can name a run.
    """
    try:
        return run_id_of(text)
    except InputError as error:
        expected = "expected an ISO 8601 time with an offset and whole seconds, such as 2026-11-23T06:00:00Z"
        raise typer.BadParameter(f"{text!r}: {expected}", param_hint="--scheduled-time") from error


LakeOption = Annotated[
    LakeLocation,
    typer.Option(parser=read_lake, metavar="<str>", help="A folder, or s3://BUCKET with an optional prefix."),
]
AsOfOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Show the lake as it was on this UTC date; today by default."),
]
MOST_DAYS = 36_500
"""The most days of an option: a hundred years, so that no date of a view leaves the calendar."""

WindowDaysOption = Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="Days that the views look back.")]
ScanMaxAgeDaysOption = Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="Maximum age of a scan, in days.")]

AccountsOption = Annotated[str, typer.Option(help="self, organization, or comma-separated account IDs.")]
RegionsOption = Annotated[
    str | None, typer.Option(help="Comma-separated regions to read; your session's region by default.")
]
RoleNameOption = Annotated[str, typer.Option(help="Role to assume in every account other than your own.")]
ExternalIdOption = Annotated[str, typer.Option(help="External ID that those roles require.")]
ProfileOption = Annotated[str | None, typer.Option(help="Profile from your AWS configuration files.")]
StackOption = Annotated[str, typer.Option(help="Name of the deployed stack.", show_default=False)]
ScheduledTimeOption = Annotated[
    str | None,
    typer.Option(
        "--scheduled-time",
        parser=read_run_id,
        metavar="ISO",
        help="Time that names the run, such as 2026-11-23T06:00:00Z; for the default, see above.",
    ),
]
