"""A lake for Python programs: its views, its named queries and SQL as Arrow, pandas or polars (``docs/python.md``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from numbers import Number
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from patchlake.core.repeatable import repeatable
from patchlake_cli.lake.answer_parquet import ArrowTable, as_arrow
from patchlake_cli.lake.demo_lake import last_day_of_demo
from patchlake_cli.lake.engine import Lake as _Engine
from patchlake_cli.lake.engine import open_lake_as_of
from patchlake_cli.lake.errors import LakeError, QueryError
from patchlake_cli.lake.location import LakeLocation, is_path
from patchlake_cli.lake.question import Question
from patchlake_cli.lake.statements import MOST_DAYS, Settings, queries, views

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]  # not a package of the project
    import polars as pl

__all__ = ["Answer", "Lake", "LakeError", "QueryError", "open_lake"]

_DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of an answer.

    Attributes:
        rows: one dictionary per row, by the names of the columns; a value that is not known is None.
        gaps: the reasons why the answer does not cover the whole fleet, one sentence each; empty if it does.
        notes: what else to know about the answer.
        arrow: the rows as an Arrow table, typed as in Athena.
    """

    arrow: ArrowTable
    gaps: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries."""
        found: list[dict[str, Any]] = self.arrow.to_pylist(maps_as_pydicts="strict")
        return found

    def to_pandas(self) -> "pd.DataFrame":
        """Return the rows for pandas, which must be installed; the types are Arrow's, so that NULL stays ``<NA>``."""
        import pandas as pd  # noqa: PLC0415

        return self.arrow.to_pandas(types_mapper=pd.ArrowDtype)

    def to_polars(self) -> "pl.DataFrame":
        """Return the rows for polars, which must be installed."""
        import polars as pl  # noqa: PLC0415

        return pl.DataFrame(self.arrow)


class Lake:
    """A lake as it is, or as it was on a date; `open_lake` opens one. It answers one question at a time."""

    def __init__(self, engine: _Engine, as_of: date | None) -> None:
        self._engine = engine
        self._as_of = as_of
        self._free = Lock()

    @property
    def views(self) -> Sequence[str]:
        """The names of the views."""
        return [view.name for view in views()]

    @property
    def queries(self) -> Mapping[str, str]:
        """The question of each named query, by its name."""
        return {query.name: query.question for query in queries()}

    def view(self, name: str) -> Answer:
        """Return all rows of a view or table.

        Raises:
            QueryError: there is no such view or table.
            LakeError: a file cannot be read.
        """
        quoted = _required_text(name, "the name of a view").replace('"', '""')
        return self.sql(f'SELECT * FROM "{quoted}"')  # noqa: S608

    def named(self, name: str, /, **parameters: object) -> Answer:
        """Answer a named query.

        Args:
            name: its name, one of `queries`.
            parameters: the value of each of its parameters.

        Raises:
            QueryError: there is no such query, or it has other parameters.
            LakeError: a file cannot be read.
        """
        return self._answer(
            None,
            _required_text(name, "the name of a query"),
            [f"{each}={_text(value)}" for each, value in parameters.items()],
        )

    def sql(self, select: str, /, *values: object) -> Answer:
        """Answer one SELECT in Athena's SQL.

        Args:
            select: the SELECT.
            values: the value of each ``?`` in it, which is a text.

        Raises:
            QueryError: it is not one SELECT, or it names what does not exist; the text shows the position.
            LakeError: a file cannot be read.
        """
        given = [f"{place}={_text(value)}" for place, value in enumerate(values, start=1)]
        return self._answer(_required_text(select, "the SELECT"), None, given)

    def _answer(self, select: str | None, name: str | None, given: Sequence[str]) -> Answer:
        question = Question.about(select, name, given, self._as_of)
        with self._free:
            answered = question.ask(self._engine)
            caveats = question.caveats(self._engine, answered)
        return Answer(as_arrow(answered), tuple(caveats.gaps), tuple(caveats.notes))


def _required_text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise QueryError(f"{what} is {_shown(value)}: expected text")
    return value


def _text(value: object) -> str:
    """Return the text of a parameter; a column has the text of a string, a number or a date, and no other.

    A datetime is a date to Python, but its text equals that of no date.
    """
    # The NaNs of Decimal cannot all be compared; no other NaN, nor pandas' NaT, is equal to itself.
    is_missing = value.is_nan() if isinstance(value, Decimal) else value != value  # noqa: PLR0124
    if isinstance(value, bool | datetime) or not isinstance(value, str | Number | date) or is_missing:
        raise QueryError(f"the value of a parameter is {_shown(value)}: expected text, a number or a date")
    try:
        return str(value)
    except ValueError as error:
        raise QueryError(f"the value of a parameter is {_shown(value)}: expected fewer digits") from error


def _shown(value: object) -> str:
    """Return a wrong value for an error; Python does not write an integer of thousands of digits."""
    if isinstance(value, str | Path):
        return repr(repeatable(str(value)))
    try:
        return repr(value)
    except ValueError:
        return f"of type {type(value).__name__}, and too long to show"


def _settings(**days: int) -> Settings:
    for name, number in days.items():
        if type(number) is not int or not 1 <= number <= MOST_DAYS:
            raise QueryError(f"{name} is {_shown(number)}: expected a whole number from 1 to {MOST_DAYS}")
    return Settings(**days)


def open_lake(  # noqa: PLR0913  # the options of `patchlake query`
    location: str | Path,
    *,
    as_of: date | None = None,
    profile: str | None = None,
    policy: str | Path | None = None,
    window_days: int = _DEFAULTS.window_days,
    scan_max_age_days: int = _DEFAULTS.scan_max_age_days,
    history_days: int = _DEFAULTS.history_days,
) -> Lake:
    """Open a lake.

    Args:
        location: a folder, or s3://BUCKET with an optional prefix.
        as_of: the UTC date to show the lake as of; today by default, and the last day in the lake of a demo.
        profile: the profile of your AWS configuration files to read a bucket with.
        policy: a folder with sla/ and exceptions/, in place of the lake's own policy/.
        window_days: the days that the views look back.
        scan_max_age_days: the maximum age of a scan, in days.
        history_days: the days that the ages of patches and their CVEs look back.

    Raises:
        LakeError: there is no lake or no policy, or it cannot be read.
        QueryError: a number of days is not valid, `as_of` is not a date or is in the future, the policy is an empty
            text, or there is a profile for a folder.
    """
    if as_of is not None and type(as_of) is not date:
        # A datetime is a date to Python: its time and its zone would be dropped.
        raise QueryError(f"as_of is {_shown(as_of)}: expected a date, such as datetime.date(2026, 11, 1)")
    try:
        found = LakeLocation.parse(str(location))
    except ValueError as error:
        raise LakeError(f"the location of a lake is {_shown(location)}: expected {error}") from error
    if profile is not None and found.bucket is None:
        raise QueryError(f"profile is {profile!r}, which has no effect with a lake in a folder: leave it out")
    folder = None if policy is None else _folder_of_policy(policy)
    settings = _settings(window_days=window_days, scan_max_age_days=scan_max_age_days, history_days=history_days)
    try:
        as_of = as_of or last_day_of_demo(found)
        return Lake(open_lake_as_of(found, as_of, settings, profile=profile, policy=folder), as_of)
    except OSError as error:
        raise LakeError(f"{error.filename} cannot be opened: {error.strerror}") from error


def _folder_of_policy(policy: object) -> Path:
    if not isinstance(policy, str | Path) or policy == "" or "://" in str(policy) or not is_path(str(policy)):
        raise QueryError(f"policy is {_shown(policy)}: expected a folder")
    return Path(policy)
