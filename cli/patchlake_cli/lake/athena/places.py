"""The places of values in a SELECT: each ``?`` gets its number, since DuckDB's SQL may have them in another order.

sqlglot does not keep where a ``?`` was. So each one is a name of one character while the text is parsed.
"""

from collections.abc import Iterable

from sqlglot import Token, TokenType, exp

from patchlake_cli.lake.parameters import Parameter, ParameterType

_PRIVATE = range(0xE000, 0xF900)
"""Characters that have no meaning of their own."""
_NUMBER = "number"


def mark_places(sql: str, tokens: Iterable[Token]) -> tuple[str, list[str]]:
    """Return the text with a name in place of each ``?``, as long as before, and these names in order."""
    free = (mark for mark in map(chr, _PRIVATE) if mark not in sql)
    characters = list(sql)
    marks: list[str] = []
    for token in tokens:
        if token.token_type is TokenType.PLACEHOLDER:
            marks.append(next(free))
            characters[token.start] = marks[-1]
    return "".join(characters), marks


def number_places(question: exp.Query, marks: list[str]) -> None:
    """Put the place with its number where the name of one is; the question is changed."""
    numbers = {mark: number for number, mark in enumerate(marks, 1)}
    for named in list(question.find_all(exp.Column, exp.Identifier, exp.Var)):
        if named.name in numbers:
            place = exp.Placeholder()
            place.meta[_NUMBER] = numbers[named.name]
            named.replace(place)


def parameters_of(question: exp.Query) -> tuple[Parameter, ...]:
    """Return the parameters of a SELECT of the user: one for each ``?``, in order."""
    places = sorted(question.find_all(exp.Placeholder), key=lambda place: place.meta[_NUMBER])
    return tuple(map(_parameter, places))


def _parameter(place: exp.Placeholder) -> Parameter:
    number = place.meta[_NUMBER]
    is_of_rows = isinstance(place.parent, exp.Limit | exp.Offset | exp.Fetch)
    kind, example = (ParameterType.ROWS, "10") if is_of_rows else (ParameterType.ANY_TEXT, "eu-central-1")
    return Parameter(str(number), kind, example, f"The value of ? number {number}.")


def write_numbers(tree: exp.Expr) -> None:
    """Name each place by its number, ``$1`` in DuckDB; the tree is changed."""
    for place in tree.find_all(exp.Placeholder):
        place.set("this", str(place.meta[_NUMBER]))
