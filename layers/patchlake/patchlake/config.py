"""The functions' environments: one frozen class per function, and the only reader of ``os.environ``.

A field ``batch_size`` is read from ``PATCHLAKE_BATCH_SIZE``. Every variable must be set: the defaults are in
the template.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

from patchlake.core.plan import BATCH_SIZES, MOST_TAG_KEYS, TAG_KEY_PATTERN
from patchlake.core.repeatable import repeatable
from patchlake.core.targets import (
    ACCOUNT_ID_PATTERN,
    ALL_ENABLED,
    REGION_PATTERN,
    UNIT_ID_PATTERN,
    AccountChoice,
    RegionChoice,
)
from patchlake.errors import ConfigError

PREFIX = "PATCHLAKE_"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of every function."""

    bucket: str

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Return the environment variable of each field, by the field's name."""
        return {field.name: PREFIX + field.name.upper() for field in fields(cls)}

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read and check the function's variables.

        Raises:
            ConfigError: a variable is missing or wrong; the text names it, its value and what was expected.
        """
        return cls(
            **{field: VARIABLES[name].read(name, environment.get(name)) for field, name in cls.variables().items()}
        )


@dataclass(frozen=True, slots=True)
class PlanConfig(Config):
    """The environment of plan."""

    accounts: AccountChoice
    excluded_accounts: tuple[str, ...]
    regions: RegionChoice
    discover_queue_url: str
    listing_queue_url: str
    commit_queue_url: str
    batch_size: int
    deadline_seconds: int
    max_lateness_seconds: int
    collect_patches: bool
    collect_instances: bool
    tag_keys: tuple[str, ...]
    detail_deadline_seconds: int
    include_sensitive_fields: bool

    def __post_init__(self) -> None:
        """Refuse an account that is both covered and excluded: one of the two is a mistake."""
        if both := covered_and_excluded(self.accounts, self.excluded_accounts):
            msg = (
                f"PATCHLAKE_ACCOUNTS and PATCHLAKE_EXCLUDED_ACCOUNTS both name {', '.join(both)}: expected each "
                "account in one of them at most"
            )
            raise ConfigError(msg)


def covered_and_excluded(accounts: AccountChoice, excluded: Iterable[str]) -> list[str]:
    """Return the accounts that a choice names one by one although they are excluded."""
    return sorted({*accounts} & {*excluded}) if isinstance(accounts, tuple) else []


@dataclass(frozen=True, slots=True)
class DiscoverConfig(Config):
    """The environment of discover."""

    role_name: str
    external_id: str
    discover_queue_url: str
    listing_queue_url: str
    collect_queue_url: str
    retry_seconds: int


@dataclass(frozen=True, slots=True)
class CollectConfig(Config):
    """The environment of collect."""

    role_name: str
    external_id: str
    collect_queue_url: str
    detail_queue_url: str
    connections: int
    retry_seconds: int


@dataclass(frozen=True, slots=True)
class CommitConfig(Config):
    """The environment of commit."""

    discover_queue_url: str
    listing_queue_url: str
    collect_queue_url: str
    detail_queue_url: str
    commit_queue_url: str
    tick_seconds: int
    deadline_seconds: int
    max_lateness_seconds: int


class Variable(NamedTuple):
    """The form of a variable.

    Attributes:
        expected: the form, for people.
        parse: returns the value of a text in UTF-8; None where the text has another form.
    """

    expected: str
    parse: Callable[[str], Any]

    def value(self, text: str) -> Any:  # noqa: ANN401  # each variable has its own type
        """Return the value of a text; None where it has another form, or is not UTF-8."""
        try:
            text.encode()
        except UnicodeEncodeError:
            return None
        return self.parse(text)

    def read(self, name: str, text: str | None) -> Any:  # noqa: ANN401  # each variable has its own type
        """Return the value of the variable ``name``.

        Raises:
            ConfigError: it is missing or wrong.
        """
        if text is None:
            msg = f"{name} is not set: expected {self.expected}"
            raise ConfigError(msg)
        value = self.value(text)
        if value is None:
            msg = f"{name} is {repeatable(text)!r}: expected {self.expected}"
            raise ConfigError(msg)
        return value


def _matching(pattern: str) -> Callable[[str], str | None]:
    return lambda text: text if re.match(pattern, text, re.ASCII) else None


def _list_of(pattern: str) -> Callable[[str], tuple[str, ...] | None]:
    def parse(text: str) -> tuple[str, ...] | None:
        items = tuple(item.strip() for item in text.split(","))
        return items if all(re.match(pattern, item) for item in items) else None

    return parse


def _accounts(text: str) -> str | tuple[str, ...] | None:
    return text if text in {"self", "organization"} else _list_of(f"{ACCOUNT_ID_PATTERN}|{UNIT_ID_PATTERN}")(text)


def _regions(text: str) -> str | tuple[str, ...] | None:
    return text if text == ALL_ENABLED else _list_of(REGION_PATTERN)(text)


def _excluded_accounts(text: str) -> tuple[str, ...] | None:
    return _list_of(ACCOUNT_ID_PATTERN)(text) if text else ()


def _tag_keys(text: str) -> tuple[str, ...] | None:
    keys = _list_of(TAG_KEY_PATTERN)(text) if text else ()
    return keys if keys is not None and len(keys) <= MOST_TAG_KEYS else None


def whole_number_from(least: int, most: int) -> Variable:
    """Return the form of a whole number with these bounds, both included."""

    def parse(text: str) -> int | None:
        return int(text) if re.match(r"^[0-9]{1,9}\Z", text) and least <= int(text) <= most else None

    return Variable(f"a whole number from {least} to {most}", parse)


_QUEUE_URL = Variable("the URL of an SQS queue", _matching(r"^https?://[^\s/]+/\S+\Z"))
_YES_OR_NO = Variable("true or false", {"true": True, "false": False}.get)
_DAY = 24 * 60 * 60

VARIABLES: dict[str, Variable] = {
    "PATCHLAKE_BUCKET": Variable("the name of an S3 bucket", _matching(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")),
    "PATCHLAKE_ACCOUNTS": Variable(
        "self, organization, or ids of accounts (12 digits), organizational units (ou-...) or the root (r-...), "
        "separated by commas",
        _accounts,
    ),
    "PATCHLAKE_EXCLUDED_ACCOUNTS": Variable(
        "account ids of 12 digits, separated by commas, or nothing", _excluded_accounts
    ),
    "PATCHLAKE_REGIONS": Variable(
        f"region names such as eu-central-1, separated by commas, or {ALL_ENABLED}", _regions
    ),
    "PATCHLAKE_ROLE_NAME": Variable("the name of an IAM role, without a path", _matching(r"^[\w+=,.@-]{1,64}\Z")),
    "PATCHLAKE_EXTERNAL_ID": Variable(
        "an external id of 2 to 1224 characters, or nothing",
        _matching(r"^([\w+=,.@:/-]{2,1224})?\Z"),
    ),
    "PATCHLAKE_DISCOVER_QUEUE_URL": _QUEUE_URL,
    "PATCHLAKE_LISTING_QUEUE_URL": _QUEUE_URL,
    "PATCHLAKE_COLLECT_QUEUE_URL": _QUEUE_URL,
    "PATCHLAKE_DETAIL_QUEUE_URL": _QUEUE_URL,
    "PATCHLAKE_COMMIT_QUEUE_URL": _QUEUE_URL,
    "PATCHLAKE_BATCH_SIZE": whole_number_from(*BATCH_SIZES),
    "PATCHLAKE_CONNECTIONS": whole_number_from(1, 64),
    "PATCHLAKE_DEADLINE_SECONDS": whole_number_from(60, 7 * _DAY),
    "PATCHLAKE_DETAIL_DEADLINE_SECONDS": whole_number_from(60, 7 * _DAY),
    "PATCHLAKE_TICK_SECONDS": whole_number_from(1, 900),
    "PATCHLAKE_MAX_LATENESS_SECONDS": whole_number_from(60, 7 * _DAY),
    "PATCHLAKE_RETRY_SECONDS": whole_number_from(0, 900),
    "PATCHLAKE_TAG_KEYS": Variable(
        f"at most {MOST_TAG_KEYS} tag keys without *, ?, \\ and invisible characters, separated by commas, or nothing",
        _tag_keys,
    ),
    "PATCHLAKE_COLLECT_PATCHES": _YES_OR_NO,
    "PATCHLAKE_COLLECT_INSTANCES": _YES_OR_NO,
    "PATCHLAKE_INCLUDE_SENSITIVE_FIELDS": _YES_OR_NO,
}
