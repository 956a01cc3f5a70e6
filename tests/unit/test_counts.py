"""Numbers with their nouns."""

import pytest

from patchlake.core.counts import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 nodes"), (1, "1 node"), (2, "2 nodes"), (1_000, "1,000 nodes"), (1_001, "1,001 nodes")]
)
def test_only_one_is_singular(number: int, text: str) -> None:
    assert counted(number, "node") == text


def test_a_noun_in_the_middle_has_its_own_plural() -> None:
    assert counted(1, "row is", "rows are") == "1 row is"
    assert counted(2, "row is", "rows are") == "2 rows are"
