"""Values within values: each level has the inner one several times, so only some levels are answered."""

from time import process_time

import pytest

from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.errors import QueryError

FORMS = {
    "a[{}]": "1",
    "substr({}, n)": "t",
    "replace({}, t, 'x')": "t",
    "array_position(a, {})": "1",
    "element_at(a, {})": "1",
    "if({} > 0.5e0, 0.4e0, 0.6e0)": "d",
}
ROW = "(VALUES (ARRAY[1, 2], 'text', 1, 0.5e0)) AS row (a, t, n, d)"
MOST_SECONDS = 60
"""Of processor time: without a limit, it would be hours."""


def nested(form: str, levels: int) -> str:
    expression = FORMS[form]
    for _ in range(levels):
        expression = form.format(expression)
    return f"SELECT {expression} FROM {ROW}"  # noqa: S608


@pytest.mark.parametrize("form", FORMS)
def test_a_few_levels_are_answered_and_many_are_refused_at_once(form: str) -> None:
    began = process_time()

    assert len(empty_lake().query(nested(form, 3)).rows) == 1
    with pytest.raises(QueryError, match=r"^the SELECT is nested too deeply$"):
        empty_lake().query(nested(form, 12))
    assert process_time() - began < MOST_SECONDS


def test_what_is_written_out_may_have_many_levels() -> None:
    written = "t"
    for _ in range(12):
        written = f"replace(substr({written}, 1, 9), 'x', 'y')"

    assert empty_lake().query(f"SELECT {written} FROM {ROW}").rows == [("teyt",)]  # noqa: S608
