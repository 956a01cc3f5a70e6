"""The options that several commands share."""

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from patchlake.core.run import run_id_of
from patchlake.errors import InputError
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.parameters import read_date
from patchlake_cli.lake.statements import Settings
from patchlake_cli.option_values import OptionError, whole_number, wrong_value

DEFAULTS = Settings()

# CloudFormation accepts more, but the names of roles and of the Glue database contain the stack's: with a capital
# letter, or more characters, its first deployment fails half-way.
_STACK = re.compile(r"[a-z][a-z0-9-]{0,37}|arn:[!-~]+")


def read_lake(text: str) -> LakeLocation:
    """Read ``--lake``.

    Raises:
        OptionError: it is not a location.
    """
    try:
        return LakeLocation.parse(text)
    except ValueError as error:
        raise wrong_value(text, str(error), "--lake") from error


def read_as_of(text: str) -> date:
    """Read ``--as-of``.

    Raises:
        OptionError: it is not a date.
    """
    day = read_date(text)
    if day is None:
        raise wrong_value(text, "a UTC date as YYYY-MM-DD, such as 2026-11-01", "--as-of")
    return day


def read_run_id(text: str) -> str:
    """Read ``--scheduled-time``.

    Raises:
        OptionError: it is not a time that can name a run.
    """
    try:
        return run_id_of(text)
    except InputError as error:
        expected = "an ISO 8601 time with an offset and whole seconds, such as 2026-11-23T06:00:00Z"
        raise wrong_value(text, expected, "--scheduled-time") from error


def read_stack(text: str) -> str:
    """Read ``--stack``.

    Raises:
        OptionError: no stack can have this name.
    """
    if _STACK.fullmatch(text) is None:
        expected = "the name of a patchlake stack, at most 38 of a to z, digits and hyphens, a letter first; or its ARN"
        raise wrong_value(text, expected, "--stack")
    return text


def refuse_unless(context: typer.Context, name: str, other: str, *, given: bool) -> None:
    """Refuse an option that has no effect without another one.

    Raises:
        OptionError: it is given, and the other one is not.
    """
    if not given and _is_given(context, name):
        raise OptionError(f"has no effect without {other}", _option(name))


def unused(option: str, other: str) -> OptionError:
    """Return the error about an option that another one makes useless: the command would ignore it."""
    return OptionError(f"has no effect with {other}: leave one of them out", option)


def refuse_unused(context: typer.Context, names: Iterable[str], other: str) -> None:
    """Refuse the options that the user gave although another one makes them useless.

    Args:
        context: the call of the command.
        names: the parameters of these options.
        other: the other option, as the user gives it.

    Raises:
        OptionError: one of them is given.
    """
    for name in names:
        if _is_given(context, name):
            raise unused(_option(name), other)


def refuse_unused_role(context: typer.Context, accounts: object) -> None:
    """Refuse the options about the role of other accounts where only the user's own account is read.

    Raises:
        OptionError: one of them is given.
    """
    if accounts == "self":
        refuse_unused(context, ("role_name", "external_id"), "--accounts self")


def refuse_unused_profile(context: typer.Context, lake: LakeLocation) -> None:
    """Refuse a profile for a lake that is read without credentials.

    Raises:
        OptionError: it is given.
    """
    if lake.bucket is None:
        refuse_unused(context, ("profile",), "a lake in a folder")


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def require_lake(lake: LakeLocation | None) -> LakeLocation:
    """Return the lake.

    Raises:
        OptionError: the user gave none.
    """
    if lake is None:
        raise OptionError("is missing: give a folder, or s3://BUCKET with an optional prefix", "--lake")
    return lake


def lake_option(sentence: str) -> Any:  # noqa: ANN401  # as typer.Option
    """Return the option of a lake, with its help."""
    return typer.Option("--lake", "-l", envvar="PATCHLAKE_LAKE", parser=read_lake, metavar="<str>", help=sentence)


_LAKE = lake_option("A folder, or s3://BUCKET with an optional prefix.")
LakeOption = Annotated[LakeLocation, _LAKE]
OptionalLakeOption = Annotated[LakeLocation | None, _LAKE]
AsOfOption = Annotated[
    date | None,
    typer.Option(
        parser=read_as_of, metavar="YYYY-MM-DD", help="Show the lake as it was on this UTC date; today by default."
    ),
]
MOST_DAYS = 36_500
"""The most days of an option: a hundred years, so that no date of a view leaves the calendar."""

WindowDaysOption = Annotated[int, whole_number("Days that the views look back", 1, MOST_DAYS)]
HistoryDaysOption = Annotated[int, whole_number("Days that the ages of patches and their CVEs look back", 1, MOST_DAYS)]
ScanMaxAgeDaysOption = Annotated[int, whole_number("Maximum age of a scan, in days", 1, MOST_DAYS)]
AllowPartialOption = Annotated[
    bool, typer.Option("--allow-partial", help="Exit with 0 also where the code would be 3.")
]

PolicyOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with sla/ and exceptions/, in place of the lake's own policy/."),
]

AccountsOption = Annotated[str, typer.Option(help="self, organization, or comma-separated account IDs.")]
RegionsOption = Annotated[
    str | None, typer.Option(help="Comma-separated regions to read; your session's region by default.")
]
RoleNameOption = Annotated[str, typer.Option(help="Role to assume in every account other than your own.")]
ExternalIdOption = Annotated[str, typer.Option(help="External ID that those roles require.")]
ProfileOption = Annotated[
    str | None, typer.Option(envvar="PATCHLAKE_PROFILE", help="Profile from your AWS configuration files.")
]
RegionOption = Annotated[
    str | None, typer.Option(help="Region of the stack; AWS_REGION or that of your profile by default.")
]
StackOption = Annotated[
    str,
    typer.Option(
        "--stack",
        "-s",
        envvar="PATCHLAKE_STACK",
        parser=read_stack,
        metavar="<str>",
        help="Name of the deployed stack.",
        show_default=False,
    ),
]
ScheduledTimeOption = Annotated[
    str | None,
    typer.Option(
        "--scheduled-time",
        parser=read_run_id,
        metavar="ISO",
        help="Time that names the run, such as 2026-11-23T06:00:00Z; for the default, see above.",
    ),
]
