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
        typer.BadParameter: it is no location.
    """
    try:
        return LakeLocation.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--lake") from error


def read_run_id(text: str) -> str:
    """Read ``--scheduled-time``.

    Raises:
        typer.BadParameter: it is no time that could name a run.
    """
    try:
        return run_id_of(text)
    except InputError as error:
        expected = "expected an ISO 8601 time with an offset and whole seconds, such as 2026-11-23T06:00:00Z"
        raise typer.BadParameter(f"{text!r}: {expected}", param_hint="--scheduled-time") from error


LakeOption = Annotated[
    LakeLocation,
    typer.Option(parser=read_lake, metavar="<str>", help="A folder, or s3://BUCKET with or without a prefix."),
]
AsOfOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Look at the lake as on this UTC date; today by default."),
]
WindowDaysOption = Annotated[int, typer.Option(min=1, help="Days that the views look back.")]
ScanMaxAgeDaysOption = Annotated[int, typer.Option(min=1, help="Greatest age in days of a scan that still counts.")]

AccountsOption = Annotated[str, typer.Option(help="self, organization, or account ids separated by commas.")]
RegionsOption = Annotated[
    str | None, typer.Option(help="Regions of each account, separated by commas; the session's own by default.")
]
RoleNameOption = Annotated[str, typer.Option(help="Role that is assumed in every account but our own.")]
ExternalIdOption = Annotated[str, typer.Option(help="External id that those roles ask for.")]
ProfileOption = Annotated[str | None, typer.Option(help="Profile of the SDK's configuration files.")]
StackOption = Annotated[str, typer.Option(help="Name of the deployed stack.", show_default=False)]
ScheduledTimeOption = Annotated[
    str | None,
    typer.Option(
        "--scheduled-time",
        parser=read_run_id,
        metavar="ISO",
        help="The time that names the run, such as 2026-11-23T06:00:00Z. Without it, see above.",
    ),
]
