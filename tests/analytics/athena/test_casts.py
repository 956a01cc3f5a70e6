"""The casts of your own SELECT: those that Athena has, with its results, and no others."""

from datetime import date, datetime, time
from typing import Any

import pytest

from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.errors import QueryError

CASTS: list[tuple[str, Any]] = [
    ("CAST('abc' AS varchar(2))", "ab"),
    ("TRY_CAST('abc' AS varchar(2))", "ab"),
    ("CAST(78 AS varchar)", "78"),
    ("CAST(true AS varchar)", "true"),
    ("CAST(1 AS boolean)", True),
    ("CAST(false AS integer)", 0),
    ("CAST(DATE '2026-11-01' AS timestamp)", datetime(2026, 11, 1)),  # noqa: DTZ001  # as answers have them
    ("CAST(TIMESTAMP '2026-11-01 06:00:00' AS date)", date(2026, 11, 1)),
    ("CAST(TIMESTAMP '2026-11-01 06:00:00' AS time)", time(6)),
    ("CAST(TIME '06:00:00' AS varchar)", "06:00:00"),
    ("CAST(ARRAY[1, 2] AS array(varchar))", ["1", "2"]),
    ("CAST(ARRAY[ARRAY['1']] AS array(array(integer)))", [[1]]),
    ("CAST(NULL AS array(integer))", None),
    ("CAST(CAST(2.5 AS real) AS integer)", 3),
    ("CAST(CAST(0.5 AS real) AS bigint)", 1),
    ("CAST(CAST(-2.5 AS real) AS bigint)", -3),
    ("array_join(ARRAY[1, 2], '-')", "1-2"),
]
CUT = "only a text itself is cut: cast to varchar, and use substr() for a part of it"
OTHERS = [
    ("CAST(78 AS varchar(1))", f"CAST(78 AS VARCHAR(1)): {CUT}"),
    ("TRY_CAST(78 AS varchar(1))", CUT),
    ("CAST(DATE '2026-01-01' AS varchar(4))", CUT),
    ("CAST(TIMESTAMP '2026-01-01 00:00:00' AS varchar(10))", CUT),
    ("CAST(true AS varchar(2))", CUT),
    ("CAST(1.5e0 AS varchar(2))", CUT),
    ("CAST(ARRAY[78] AS array(varchar(1)))", CUT),
    ("CAST(ARRAY['abc'] AS array(varchar(2)))", CUT),
    ("CAST('[1,2]' AS json)", "json is not a supported type"),
    ("CAST('[1]' AS array(integer))", "Athena has no cast of text to ARRAY(INTEGER)"),
    ("CAST(? AS map(varchar, integer))", "Athena has no cast of text to MAP(VARCHAR, INTEGER)"),
    ("CAST(ARRAY[1, 2] AS varchar)", "Athena has no cast of an array to VARCHAR"),
    ("CAST(map(ARRAY['a'], ARRAY[1]) AS varchar)", "Athena has no cast of a map to VARCHAR"),
    ("CAST((1, 2) AS varchar)", "Athena has no cast of a row to VARCHAR"),
    ("CAST(ARRAY[ARRAY[1]] AS array(varchar))", "Athena has no cast of an array to VARCHAR"),
    ("array_join(ARRAY[ARRAY[1]], ',')", "Athena has no cast of an array to VARCHAR"),
    ("CAST('a' AS varbinary)", "Athena has no cast of text to VARBINARY"),
    ("CAST(X'61' AS varchar)", "Athena has no cast of bytes to VARCHAR"),
    ("CAST(1 AS date)", "Athena has no cast of a number to DATE"),
    ("CAST(DATE '2026-01-01' AS integer)", "Athena has no cast of a date to INTEGER"),
    ("CAST(true AS timestamp)", "Athena has no cast of a boolean to TIMESTAMP"),
    ("(SELECT CAST(x AS varchar(1)) FROM (VALUES 78) AS t (x))", CUT),
]


@pytest.mark.parametrize(("expression", "athena"), CASTS)
def test_a_cast_that_athena_has_gives_what_it_gives_there(expression: str, athena: Any) -> None:  # noqa: ANN401
    assert empty_lake().query(f"SELECT {expression}").rows == [(athena,)]


@pytest.mark.parametrize(("expression", "complaint"), OTHERS)
def test_a_cast_that_athena_refuses_is_refused(expression: str, complaint: str) -> None:
    with pytest.raises(QueryError) as refused:
        empty_lake().query(f"SELECT {expression}", ["1"] * expression.count("?"))

    assert complaint in str(refused.value)
