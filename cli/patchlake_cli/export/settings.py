"""The settings of `export` and `check`: options with the bounds of the functions' variables."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from patchlake.core.targets import ALL_ENABLED, AccountChoice, RegionChoice, chosen_units
from patchlake_cli.option_values import OptionError, read_as

if TYPE_CHECKING:
    import boto3

ROLE_NAME = "patchlake-member"
CONNECTIONS = 8
BATCH_SIZE = 2000
DEADLINE_SECONDS = 3600
DETAIL_DEADLINE_SECONDS = 3600
RETRY_SECONDS = 5
"""The shortest pause of a failed message; shorter than in a stack, since a person is waiting."""


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """The targets of an export, and the way to read them.

    Attributes:
        excluded_accounts: the accounts of the organization, or of its units, to leave out.
        connections: the maximum number of concurrent calls to one target.
        patches: whether to read the patches of each node, in addition to its patch state.
        instances: whether to list the EC2 instances of each target.
        tag_keys: the keys of the EC2 tags to read; without any, no tags are read.
    """

    accounts: AccountChoice
    regions: RegionChoice
    excluded_accounts: tuple[str, ...] = ()
    role_name: str = ROLE_NAME
    external_id: str = ""
    connections: int = CONNECTIONS
    batch_size: int = BATCH_SIZE
    deadline_seconds: int = DEADLINE_SECONDS
    patches: bool = False
    instances: bool = False
    tag_keys: tuple[str, ...] = ()
    detail_deadline_seconds: int = DETAIL_DEADLINE_SECONDS
    retry_seconds: int = RETRY_SECONDS

    @property
    def first_region(self) -> str | None:
        """The first region by its name, if there is one."""
        return None if self.regions == ALL_ENABLED else next(iter(self.regions), None)

    def of_session(self, session: "boto3.Session") -> "ExportSettings":
        """Return the settings with the regions to read: the given ones, or the session's.

        All enabled ones are known only once the run is planned.

        Raises:
            OptionError: the session cannot read one of them.
        """
        from patchlake.adapters.regions import region_problem  # noqa: PLC0415

        if self.regions == ALL_ENABLED:
            return self
        regions = self.regions or (session.region_name,)
        if (problem := region_problem(session, regions)) is not None:
            raise OptionError(f"names {problem}", "--regions")
        return replace(self, regions=regions)


def read_settings(  # noqa: PLR0913  # one argument for each option
    *,
    accounts: str,
    exclude_accounts: str,
    regions: str | None,
    role_name: str,
    external_id: str,
    connections: object = CONNECTIONS,
    batch_size: object = BATCH_SIZE,
    deadline: object = DEADLINE_SECONDS,
    patches: bool = False,
    instances: bool = False,
    tag_keys: str = "",
    detail_deadline: object = DETAIL_DEADLINE_SECONDS,
) -> ExportSettings:
    """Read the options; without ``--regions``, the regions are empty.

    Raises:
        OptionError: an option has an invalid value.
    """
    from patchlake.config import covered_and_excluded  # noqa: PLC0415

    read_accounts = option_value("--accounts", accounts, "PATCHLAKE_ACCOUNTS")
    excluded_accounts = option_value("--exclude-accounts", exclude_accounts, "PATCHLAKE_EXCLUDED_ACCOUNTS")
    if excluded_accounts and read_accounts != "organization" and not chosen_units(read_accounts):
        raise OptionError("has no effect without organization or a unit in --accounts", "--exclude-accounts")
    if both := covered_and_excluded(read_accounts, excluded_accounts):
        raise OptionError(
            f"names {', '.join(both)}, as --accounts does: name each in only one of them", "--exclude-accounts"
        )
    return ExportSettings(
        accounts=read_accounts,
        excluded_accounts=excluded_accounts,
        regions=() if regions is None else option_value("--regions", regions, "PATCHLAKE_REGIONS"),
        role_name=option_value("--role-name", role_name, "PATCHLAKE_ROLE_NAME"),
        external_id=option_value("--external-id", external_id, "PATCHLAKE_EXTERNAL_ID"),
        connections=option_value("--connections", connections, "PATCHLAKE_CONNECTIONS"),
        batch_size=option_value("--batch-size", batch_size, "PATCHLAKE_BATCH_SIZE"),
        deadline_seconds=option_value("--deadline", deadline, "PATCHLAKE_DEADLINE_SECONDS"),
        patches=patches,
        instances=instances,
        tag_keys=option_value("--tag-keys", tag_keys, "PATCHLAKE_TAG_KEYS"),
        detail_deadline_seconds=option_value("--detail-deadline", detail_deadline, "PATCHLAKE_DETAIL_DEADLINE_SECONDS"),
    )


def option_value(option: str, value: object, variable: str) -> Any:  # noqa: ANN401  # each variable has its own type
    """Read an option as the functions read a variable.

    Raises:
        OptionError: the value is not valid for the variable.
    """
    # Not at the top, here and above: the help of a command needs only the defaults above.
    from patchlake.config import VARIABLES  # noqa: PLC0415

    return read_as(VARIABLES[variable], value, option)
