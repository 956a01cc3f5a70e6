"""The options that every question to a lake has: where it is, as of when, and the settings that a stack has too."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from patchlake_cli.analytics.lake import Lake, open_lake
from patchlake_cli.analytics.statements import Settings

DEFAULTS = Settings()

LakeOption = Annotated[str, typer.Option(help="A folder, or s3://BUCKET with or without a prefix.")]
AsOfOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Look at the lake as on this UTC date; today by default."),
]
WindowDaysOption = Annotated[int, typer.Option(min=1, help="Days that the views look back.")]
ScanMaxAgeDaysOption = Annotated[int, typer.Option(min=1, help="Greatest age in days of a scan that still counts.")]


def open_lake_as_of(location: str, as_of: date | None, settings: Settings = DEFAULTS) -> Lake:
    """Open a lake, as it is or as it was in the last second of a UTC date.

    Raises:
        LakeError: there is none, or it cannot be read.
    """
    now = None if as_of is None else datetime.combine(as_of, datetime.min.time(), UTC) + timedelta(days=1, seconds=-1)
    return open_lake(location, now=now, settings=settings)
