"""A question to a lake, as a command line asks it: a SELECT or a named query, with the values of its parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.engine import Answer, Lake, find_query
from patchlake_cli.lake.errors import ParameterError, QueryError
from patchlake_cli.lake.parameters import Parameter, places, read_values
from patchlake_cli.lake.statements import relations_of
from patchlake_cli.lake.translation import number_of_places, parse_question
from patchlake_cli.option_values import OptionError


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
        """Read the command line before the lake is read.

        Raises:
            OptionError: there is no such query, or it has other parameters.
            CommandError: the text is not one SELECT.
        """
        try:
            parameters = places(number_of_places(parse_question(sql))) if sql is not None else ()
        except QueryError as error:
            # Without a hint at the help: the text ends under the mistake.
            raise CommandError(str(error), ExitCode.USAGE) from error
        empty = None
        try:
            if named is not None:
                query = find_query(named)
                parameters, empty = tuple(query.parameters), query.empty
        except QueryError as error:
            raise OptionError(str(error), "--named:") from error
        today = as_of or datetime.now(UTC).date()
        try:
            values = read_values(named or "the SELECT", parameters, given, today)
        except ParameterError as error:
            raise OptionError(str(error), "--param:") from error
        return cls(named or sql or "", named is not None, parameters, values, empty)

    def ask(self, lake: Lake) -> Answer:
        """Answer it."""
        return lake.named(self.text, self.values) if self.is_named else lake.query(self.text, self.values)

    @property
    def relations(self) -> Sequence[str]:
        """The tables and views that it names."""
        return find_query(self.text).relations if self.is_named else relations_of(parse_question(self.text))

    def notes(self, answer: Answer) -> list[str]:
        """Return what an answer without rows means."""
        if answer.rows or self.empty is None:
            return []
        asked = ", ".join(f"{each.name}={value}" for each, value in zip(self.parameters, self.values, strict=True))
        return [f"no rows for {asked}: {self.empty.rstrip('.')}"]

    def is_about(self, lake: Lake) -> bool:
        """Whether the answer depends on the lake."""
        return self.is_named or lake.is_read_by(self.text)
