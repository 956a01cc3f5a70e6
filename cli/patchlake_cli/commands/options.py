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
from patchlake_cli.lake.statements import MOST_DAYS, Settings
from patchlake_cli.option_values import OptionError, path, whole_number, wrong_value

DEFAULTS = Settings()

# CloudFormation accepts more, but the names of roles and of the Glue database contain the stack's: with a capital
# letter, or more characters, its first deployment fails halfway.
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
        expected = (
            "the name of a patchlake stack (at most 38 lowercase letters, digits and hyphens, beginning with a letter)"
            " or its ARN"
        )
        raise wrong_value(text, expected, "--stack")
    return text


def read_region(text: str) -> str:
    """Read ``--region``; an empty text, such as a variable that is not set, is not the default region.

    Raises:
        OptionError: it is empty.
    """
    if not text:
        raise wrong_value(text, "the name of a region, such as eu-central-1", "--region")
    return text


def refuse_unless(context: typer.Context, name: str, other: str, *, given: bool) -> None:
    """Refuse an option that has no effect without another one.

    Raises:
        OptionError: it is given, and the other one is not.
    """
    if not given and is_given(context, name):
        raise OptionError(f"has no effect without {other}", _option(context, name))


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
        if is_given(context, name):
            raise unused(_option(context, name), other)


def refuse_unused_role(context: typer.Context, accounts: object) -> None:
    """Refuse the options about the role of other accounts where only the user's own account is read.

    Raises:
        OptionError: one of them is given.
    """
    if accounts == "self":
        refuse_unused(context, ("role_name", "external_id"), "--accounts self")


def is_given(context: typer.Context, name: str) -> bool:
    """Whether the command line has an option; a variable does not count."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _option(context: typer.Context, name: str) -> str:
    return next(parameter.opts[0] for parameter in context.command.params if parameter.name == name)


def lake_option(sentence: str) -> Any:  # noqa: ANN401  # as typer.Option
    """Return the option of a lake, with its help."""
    return typer.Option(
        "--lake", "-l", envvar="PATCHLAKE_LAKE", parser=read_lake, metavar="FOLDER|s3://BUCKET", help=sentence
    )


LakeOption = Annotated[
    LakeLocation | None,
    lake_option("A folder, or s3://BUCKET with an optional prefix; takes precedence over PATCHLAKE_STACK."),
]
AsOfOption = Annotated[
    date | None,
    typer.Option(
        parser=read_as_of,
        metavar="YYYY-MM-DD",
        help="Show the lake as it was on this UTC date. Default: today, or the last day of a demo's lake.",
    ),
]
WindowDaysOption = Annotated[int, whole_number("Days that the views look back", 1, MOST_DAYS)]
HistoryDaysOption = Annotated[
    int, whole_number("Days of history for the ages and CVEs of patches, at least those of the views", 1, MOST_DAYS)
]
ScanMaxAgeDaysOption = Annotated[int, whole_number("Maximum age of a scan, in days", 1, MOST_DAYS)]
AllowPartialOption = Annotated[bool, typer.Option("--allow-partial", help="Exit with 0 instead of 3.")]

PolicyOption = Annotated[
    Path | None,
    path("Folder with sla/ and exceptions/, instead of the lake's own policy/."),
]

AccountsOption = Annotated[
    str,
    typer.Option(
        metavar="self|organization|IDS",
        help="self, organization, or comma-separated ids of accounts and organizational units (ou-...).",
    ),
]
ExcludeAccountsOption = Annotated[
    str,
    typer.Option(metavar="IDS", help="Comma-separated account ids to exclude from the organization or its units."),
]
RegionsOption = Annotated[
    str | None,
    typer.Option(
        metavar="REGIONS",
        help="Comma-separated regions, or all-enabled for those that your account has enabled. "
        "Default: your session's.",
    ),
]
RoleNameOption = Annotated[
    str, typer.Option(metavar="NAME", help="Role to assume in every account other than your own.")
]
ExternalIdOption = Annotated[str, typer.Option(metavar="ID", help="External id that those roles require.")]
ProfileOption = Annotated[
    str | None,
    typer.Option(envvar="PATCHLAKE_PROFILE", metavar="PROFILE", help="Profile from your AWS configuration files."),
]

PatchesOption = Annotated[bool, typer.Option(help="Also read the patches of each node that may lack one.")]
InstancesOption = Annotated[bool, typer.Option(help="Also list the EC2 instances, whether or not SSM manages them.")]
TagKeysOption = Annotated[
    str, typer.Option(metavar="KEYS", help="Comma-separated keys of the EC2 tags to read; no other tag is stored.")
]

FleetNodesOption = Annotated[int, whole_number("Number of managed nodes in the simulated fleet", 1, 1_000_000)]
FleetAccountsOption = Annotated[
    int, whole_number("Number of accounts; if several, the last one refuses access", 1, 100)
]
FleetRegionsOption = Annotated[int, whole_number("Number of regions in every account", 1, 10)]


def region_option(sentence: str) -> Any:  # noqa: ANN401  # as typer.Option
    """Return the option of a region, with its help."""
    return typer.Option(
        parser=read_region, metavar="REGION", help=f"{sentence}. Default: AWS_REGION, or that of your profile."
    )


RegionOption = Annotated[str | None, region_option("Region of the stack")]


def _stack_option(sentence: str) -> Any:  # noqa: ANN401  # as typer.Option
    return typer.Option(
        "--stack", "-s", envvar="PATCHLAKE_STACK", parser=read_stack, metavar="STACK", help=sentence, show_default=False
    )


StackOption = Annotated[str, _stack_option("Name of the deployed stack.")]
LakeOfStackOption = Annotated[str | None, _stack_option("Read the lake of this deployed stack, instead of --lake.")]
ScheduledTimeOption = Annotated[
    str | None,
    typer.Option(
        "--scheduled-time",
        parser=read_run_id,
        metavar="TIME",
        help="Time that names the run, such as 2026-11-23T06:00:00Z; for the default, see above.",
    ),
]
