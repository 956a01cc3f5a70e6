"""A question to a lake, as a command line asks it: a SELECT or a named query, with the values of its parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from patchlake_cli.lake.athena.places import parameters_of
from patchlake_cli.lake.athena.translation import parse_question
from patchlake_cli.lake.departures import departures_of_newest
from patchlake_cli.lake.engine import Answer, Lake, find_query
from patchlake_cli.lake.gaps import find_gaps, has_snapshot
from patchlake_cli.lake.parameters import Parameter, read_values
from patchlake_cli.lake.policy_gaps import find_policy_gaps, find_policy_notes
from patchlake_cli.lake.source_gaps import find_source_gaps
from patchlake_cli.lake.statements import relations_of


@dataclass(frozen=True, slots=True)
class Caveats:
    """The limits of an answer.

    Attributes:
        gaps: the reasons why it does not cover the whole fleet.
        notes: anything else.
    """

    gaps: list[str]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Question:
    """A SELECT or a named query, and the values of its parameters in order.

    Attributes:
        empty: the meaning of an answer without rows; None if it needs no explanation.
    """

    text: str
    is_named: bool
    parameters: Sequence[Parameter]
    values: Sequence[str]
    empty: str | None

    @classmethod
    def about(cls, sql: str | None, named: str | None, given: Sequence[str], as_of: date | None) -> "Question":
        """Read a question before the lake is read.

        Raises:
            QueryError: there is no such query, or the text is not one SELECT.
            ParameterError: it has other parameters.
        """
        parameters: tuple[Parameter, ...] = ()
        empty = None
        if sql is not None:
            parameters = parameters_of(parse_question(sql))
        if named is not None:
            query = find_query(named)
            parameters, empty = tuple(query.parameters), query.empty
        values = read_values(named or "the SELECT", parameters, given, as_of or datetime.now(UTC).date())
        return cls(named or sql or "", named is not None, parameters, values, empty)

    def ask(self, lake: Lake) -> Answer:
        """Answer it."""
        return lake.named(self.text, self.values) if self.is_named else lake.query(self.text, self.values)

    @property
    def relations(self) -> Sequence[str]:
        """The tables and views that it names."""
        return find_query(self.text).relations if self.is_named else relations_of(parse_question(self.text))

    def caveats(self, lake: Lake, answer: Answer) -> Caveats:
        """Return what the answer lacks; one that does not depend on the lake lacks nothing."""
        if not (self.is_named or lake.is_read_by(self.text)):
            return Caveats([], [])
        relations = self.relations
        gaps = [
            *find_gaps(lake, self.parameters, self.values),
            *find_source_gaps(lake, relations, of_newest=self.is_named),
            *find_policy_gaps(lake, relations),
        ]
        notes = [
            *([] if answer.rows else self._meaning_of_nothing(lake)),
            *find_policy_notes(lake, relations),
            *departures_of_newest(lake),
        ]
        return Caveats(gaps, notes)

    def _meaning_of_nothing(self, lake: Lake) -> list[str]:
        """Return what an answer without rows means; without a published run it means nothing."""
        if self.empty is None or not has_snapshot(lake):
            return []
        asked = ", ".join(f"{each.name}={value}" for each, value in zip(self.parameters, self.values, strict=True))
        return [f"no rows{asked and f' for {asked}'}: {self.empty.rstrip('.')}"]
