"""The lake that a command reads: the one that the user names, or that of a deployed stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from patchlake_cli.commands.options import is_given, refuse_unused, unused
from patchlake_cli.lake.errors import FutureDateError
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import MOST_DAYS, Settings
from patchlake_cli.option_values import OptionError, wrong_value

if TYPE_CHECKING:
    import boto3

    from patchlake_cli.lake.engine import Lake

_PARAMETERS = {"window_days": "WindowDays", "scan_max_age_days": "ScanMaxAgeDays", "history_days": "HistoryDays"}
"""The stack's parameter for each setting."""


@dataclass(frozen=True, slots=True)
class ChosenLake:
    """A lake, and what reads it.

    Attributes:
        profile: the profile to read a bucket with; None for the SDK's default one.
        session: the session that found the stack; None without a stack.
        settings: the stack's settings, for those that the command line does not set.
    """

    location: LakeLocation
    profile: str | None = None
    session: "boto3.Session | None" = None
    settings: Mapping[str, int] = field(default_factory=dict)

    def as_of(self, given: date | None) -> date | None:
        """Return the date to answer for, None for the present; a demo's lake answers as of its last run by default.

        Raises:
            LakeError: the folder of a demo has no lake, or it cannot be read.
        """
        from patchlake_cli.lake.demo_lake import last_day_of_demo

        return given or last_day_of_demo(self.location)

    def open(self, as_of: date | None, settings: Settings, policy: Path | None) -> "Lake":
        """Open it, as it is or as it was on a date; a setting that the command line does not have is the stack's.

        Raises:
            LakeError: there is no lake or no policy, or it cannot be read.
            OptionError: the date is in the future.
        """
        from patchlake_cli.lake.engine import open_lake_as_of

        settings = replace(settings, **self.settings)
        try:
            return open_lake_as_of(
                self.location, as_of, settings, profile=self.profile, session=self.session, policy=policy
            )
        except FutureDateError as error:
            raise wrong_value(as_of, f"a UTC date up to {error.latest}", "--as-of") from error


def choose_lake(
    context: typer.Context, lake: LakeLocation | None, stack: str | None, profile: str | None, region: str | None
) -> ChosenLake:
    """Return the lake that the options name: an option wins over a variable, and PATCHLAKE_LAKE over PATCHLAKE_STACK.

    Raises:
        OptionError: no lake is named, or two are, or another option has no effect on it.
        CommandError: the stack cannot be read.
    """
    if is_given(context, "lake") and is_given(context, "stack"):
        raise unused("--stack", "--lake")
    if lake is not None and not is_given(context, "stack"):
        refuse_unused(context, ("region",), "a lake that does not belong to a stack")
        if lake.bucket is None:
            refuse_unused(context, ("profile",), "a lake in a folder")
        return ChosenLake(lake, profile)
    if stack is None:
        raise OptionError(
            "is missing: write --lake FOLDER|s3://BUCKET or --stack STACK, or set PATCHLAKE_LAKE or PATCHLAKE_STACK",
            "--lake",
        )
    from patchlake_cli.operations.stack import find_stack

    found = find_stack(stack, profile, region)
    settings = {
        option: found.number(name, 1, MOST_DAYS)
        for option, name in _PARAMETERS.items()
        if found.parameter(name) and not is_given(context, option)
    }
    return ChosenLake(found.deployment.lake, session=found.aws.session, settings=settings)
