"""The types of operands: DuckDB converts what Athena refuses, and sometimes rounds it."""

import re

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

REFUSED = """
INTERVAL '1' DAY  ; an interval may only be added
CAST(INTERVAL '1' DAY AS varchar)  ; an interval may only be added
extract(day FROM INTERVAL '3' DAY)  ; an interval may only be added
INTERVAL '1' MONTH > INTERVAL '29' DAY  ; an interval may only be added
INTERVAL '1' DAY + INTERVAL '1' MONTH  ; an interval may only be added
INTERVAL '1' DAY - current_date  ; an interval may only be added
current_date + INTERVAL '1' DAY * 1.5  ; an interval may only be added
current_date + INTERVAL '1' WEEK  ; the units are SECOND, MINUTE
current_date + INTERVAL '1' QUARTER  ; the units are SECOND, MINUTE
current_date + INTERVAL '1' HOUR  ; is a date, which has no hours: write CAST(
sequence(DATE '2026-01-31', DATE '2026-05-31', INTERVAL '1' MONTH)  ; the step of sequence() must be of days
run_at - run_at  ; is an interval in Athena: use date_diff(
current_timestamp - run_at  ; is an interval in Athena: use date_diff(
current_date - run_at  ; is an interval in Athena: use date_diff(
current_date - 1  ; CURRENT_DATE is no number: use date_add(
1 + current_date  ; CURRENT_DATE is no number: use date_add(
contains(ARRAY[1], ?)  ; ? is text, and not a number
contains(ARRAY[1], '1.4')  ; '1.4' is text, and not a number
array_position(ARRAY[1], '1.4')  ; '1.4' is text, and not a number
contains(array_agg(nodes_listed), ?)  ; ? is text, and not a number
ARRAY[1, '2']  ; '2' is text, and not a number
coalesce(1, ?)  ; ? is text, and not a number
greatest(1, '1.4')  ; '1.4' is text, and not a number
nullif(1, '1.4')  ; '1.4' is text, and not a number
if(true, 1, '1.4')  ; '1.4' is text, and not a number
CASE WHEN true THEN 1 ELSE '1.4' END  ; '1.4' is text, and not a number
'a' || 1  ; 1 is a number, and not text
concat('a', 1)  ; 1 is a number, and not text
1 || 2  ; 1 is a number, and not text: write CAST(1 AS varchar)
'a' || current_date  ; CURRENT_DATE is a time, and not text
true = 1  ; 1 is a number, and not a boolean
true > 0  ; 0 is a number, and not a boolean
true IN (0, 1)  ; 0 is a number, and not a boolean
CASE true WHEN 1 THEN 2 END  ; 1 is a number, and not a boolean
if(1, 2)  ; 1 is a number, and a condition must be a boolean
CASE WHEN 1 THEN 2 END  ; 1 is a number, and a condition must be a boolean
NOT 1  ; 1 is a number, and a condition must be a boolean
true AND 1  ; 1 is a number, and a condition must be a boolean
'true' OR false  ; 'true' is text, and a condition must be a boolean
filter(ARRAY[1, 0], x -> 1)  ; 1 is a number, and a condition must be a boolean
filter(ARRAY[1, 0], x -> x)  ; x is a number, and a condition must be a boolean
filter(ARRAY[1, 0], x -> x AND true)  ; x is a number, and a condition must be a boolean
transform(ARRAY[1, 0], x -> NOT x)  ; x is a number, and a condition must be a boolean
transform(ARRAY[1, 0], x -> if(x, 1, 2))  ; x is a number, and a condition must be a boolean
transform(ARRAY[true], x -> x IS FALSE)  ; IS TRUE is not valid SQL in Athena
regexp_extract('a', 'a') OR true  ; is text, and a condition must be a boolean
element_at(map(), 'a') OR true  ; is not known, and a condition must be a boolean: write CAST(
split_part('1,2', ',', 1) + 1  ; is text: write CAST(
ARRAY[1, 2][-1]  ; -1 is no index of the array, from 1 on
ARRAY[1, 2][0]  ; 0 is no index of the array, from 1 on
ARRAY[1, 2][1 - 2]  ; -1 is no index of the array, from 1 on
element_at(ARRAY[1, 2], 0)  ; 0 is no index: it must be a whole number, and not 0
slice(ARRAY[1, 2], 0, 1)  ; 0 is no index: it must be a whole number, and not 0
date_diff('day', run_at, '2026-11-01')  ; '2026-11-01' is text, and not a time
date_diff('day', ?, run_at)  ; ? is text, and not a time
split_part('a,b', ',', -1)  ; -1 must be a whole number from 1
split_part('a,b', ',', 0)  ; 0 must be a whole number from 1
split_part('a,b', ',', 1 - 2)  ; -1 must be a whole number from 1
(1, NULL) = (1, 2)  ; rows are not supported in a comparison
(1, NULL) IN ((1, 2))  ; rows are not supported in a comparison
(1, 2) IN (SELECT 1, 2)  ; rows are not supported in a comparison
bool_and(1) OVER ()  ; 1 is a number, and a condition must be a boolean
count_if(1) OVER ()  ; 1 is a number, and a condition must be a boolean
lag('a', 1, 1) OVER ()  ; 1 is a number, and not text
date_add('day', 1.5, run_at)  ; 1.5 must be a whole number
date_add('days', 1, run_at)  ; days is not a unit: use millisecond, second, minute, hour, day
date_trunc('decade', run_at)  ; decade is not a unit
date_diff('decade', run_at, run_at)  ; decade is not a unit
extract(epoch FROM run_at)  ; epoch is not a field of extract(): use second, minute
extract(century FROM run_at)  ; century is not a field of extract()
extract(decade FROM run_at)  ; decade is not a field of extract(): use second, minute
extract(timezone_hour FROM now())  ; timezone_hour is not supported: all times of the lake are in UTC
extract(hour FROM current_date)  ; a date has no hours: write CAST(CURRENT_DATE AS timestamp)
extract(SECOND FROM CAST(run_at AS date))  ; a date has no seconds: write CAST(CAST(
replace(run_at, '-')  ; run_at is a time, and not text: write CAST(
starts_with(run_at, '2026')  ; run_at is a time, and not text
trim('2' FROM run_at)  ; run_at is a time, and not text
listagg(run_at, ',') WITHIN GROUP (ORDER BY run_at)  ; run_at is a time, and not text
listagg(DISTINCT nodes_listed) WITHIN GROUP (ORDER BY 1)  ; nodes_listed is a number, and not text
hour(DATE '2026-11-01')  ; a date has no hours: write CAST(CAST('2026-11-01' AS DATE) AS timestamp)
minute(current_date)  ; a date has no minutes: write CAST(CURRENT_DATE AS timestamp)
transform(ARRAY[current_date], d -> second(d))  ; a date has no seconds: write CAST(d AS timestamp)
date_add('hour', 1, current_date)  ; a date has no hours: write CAST(CURRENT_DATE AS timestamp)
date_trunc('hour', current_date)  ; a date has no hours: write CAST(CURRENT_DATE AS timestamp)
date_add('day', 1, TIME '10:00:00')  ; CAST('10:00:00' AS TIME(0)) is a time of day, which has no day
date_trunc('month', localtime)  ; LOCALTIME is a time of day, which has no month
date_format(run_at, '')  ; the format of date_format() is empty: write one such as '%Y-%m-%d'
date_diff('hour', current_date, run_at)  ; a date has no hours: write CAST(CURRENT_DATE AS timestamp)
'a' LIKE ANY ('a', 'b')  ; any() is not supported
count(DISTINCT region, account_id)  ; count() is not supported with more than 1 argument
ARRAY[1] = ARRAY['1.4']  ; and not an array whose elements are each a number: write CAST(ARRAY['1.4'] AS array(double))
ARRAY[1] IN (ARRAY['1.4'])  ; is an array whose elements are each text, and not
ARRAY[1] = '[1]'  ; '[1]' is text, and not an array whose elements are each a number
ARRAY['a'] = 'a'  ; 'a' is text, and not an array whose elements are each text
CASE ARRAY[1] WHEN ARRAY['1.4'] THEN 1 END  ; is an array whose elements are each text, and not
nullif(ARRAY[1], ARRAY['1'])  ; is an array whose elements are each text, and not
coalesce(ARRAY[1], ARRAY['1'])  ; is an array whose elements are each text, and not
contains(ARRAY[ARRAY[1]], ARRAY['1'])  ; is an array whose elements are each text, and not
map(ARRAY[1], ARRAY[2]) = map(ARRAY['1.4'], ARRAY[2])  ; is a map from text to a number, and not a map from a number
1.0 / 0  ; write 1.0e0
100.0 * nodes_listed / 3  ; write 100.0e0
"""


@pytest.mark.parametrize("line", [line for line in REFUSED.splitlines() if line])
def test_operands_of_the_wrong_type_are_refused(lake: Lake, line: str) -> None:
    expression, complaint = map(str.strip, line.rsplit(";", 1))

    with pytest.raises(QueryError, match=re.escape(complaint)):
        lake.query(f"SELECT {expression} AS found FROM target_runs", ["1.4"] * expression.count("?"))  # noqa: S608


MIXED = """
SELECT x FROM (VALUES 1, '2.5') AS t (x)  ; '2.5' is text, and not a number: write CAST('2.5' AS double)
SELECT x FROM (VALUES ('a', 1), ('b', ?)) AS t (y, x)  ; ? is text, and not a number
SELECT x FROM (VALUES NULL, 1, '2.5') AS t (x)  ; '2.5' is text, and not a number
SELECT x FROM (VALUES DATE '2026-11-01', '2026-11-02 10:00:00') AS t (x)  ; is text, and not a time
SELECT x FROM (VALUES true, 'yes') AS t (x)  ; 'yes' is text, and not a boolean
SELECT x FROM (VALUES true, 1) AS t (x)  ; 1 is a number, and not a boolean
SELECT x FROM (VALUES ARRAY[1], ARRAY['2.5']) AS t (x)  ; is an array whose elements are each text, and not
SELECT NULL AS a UNION SELECT 1 UNION SELECT '2.5'  ; '2.5' is text, and not a number
(SELECT NULL AS a EXCEPT SELECT 1) UNION ALL (SELECT NULL INTERSECT SELECT '2.5')  ; '2.5' is text, and not a number
SELECT ARRAY[1] AS a UNION SELECT ARRAY['2.5']  ; is an array whose elements are each text, and not
SELECT ARRAY[1] AS a UNION SELECT '[2]'  ; '[2]' is text, and not an array
SELECT 1 AS a UNION VALUES '2.5'  ; is text, and not a number
SELECT x FROM (VALUES X'61', 'a') AS t (x)  ; 'a' is text, and not bytes
SELECT to_utf8('a') AS a UNION SELECT 'a'  ; 'a' is text, and not bytes
"""


@pytest.mark.parametrize("line", [line for line in MIXED.splitlines() if line])
def test_rows_of_mixed_kinds_are_refused(lake: Lake, line: str) -> None:
    sql, complaint = map(str.strip, line.rsplit(";", 1))

    with pytest.raises(QueryError, match=re.escape(complaint)):
        lake.query(sql, ["2.5"] * sql.count("?"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT x FROM (VALUES NULL, 1, 2.5) AS t (x)",
        "SELECT x FROM (VALUES (1, 'a'), (2, ?)) AS t (x, y)",
        "SELECT NULL AS a UNION SELECT 1 UNION SELECT 2.5",
        "SELECT ARRAY[1] AS a UNION SELECT ARRAY[2.5] UNION SELECT NULL UNION SELECT ARRAY[] UNION SELECT ARRAY[NULL]",
        "SELECT DATE '2026-11-01' AS a UNION SELECT run_at FROM runs",
    ],
)
def test_rows_of_one_kind_are_accepted(lake: Lake, sql: str) -> None:
    assert lake.query(sql, ["b"] * sql.count("?")).rows


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELECT region FROM target_runs GROUP BY ALL", "GROUP BY ALL is not valid SQL in Athena"),
        ("SELECT run_id FROM runs SEMI JOIN latest_run USING (run_id)", "SEMI JOIN is not valid SQL in Athena"),
        ("SELECT runs.run_id FROM runs NATURAL JOIN latest_run", "NATURAL JOIN is not valid SQL in Athena"),
    ],
)
def test_clauses_that_only_duckdb_has_are_refused(lake: Lake, sql: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=re.escape(complaint)):
        lake.query(sql)


@pytest.mark.parametrize(
    "number",
    [
        *("'1.9' DAY", "'0.5' DAY", "'-1.9' HOUR", "'1.9' MINUTE", "'1.9' MONTH", "'1.9' YEAR", "1.9 DAY"),
        *("? DAY", "1 DAY", "-'1' DAY", "'' DAY", "' 1' DAY", "'1_0' DAY", "'1e1' DAY", "'1:30' HOUR"),
        *("'1 hour' DAY", "'1d' DAY", "'1 day' AS day", "'1.2345' SECOND", "'.5' SECOND"),
    ],
)
def test_the_number_of_an_interval_is_a_whole_number(lake: Lake, number: str) -> None:
    with pytest.raises(QueryError, match=r"^an interval must have a whole number in quotes and a unit, such as"):
        lake.query(f"SELECT run_at - INTERVAL {number} FROM target_runs", ["1.9"] * number.count("?"))  # noqa: S608


def test_the_number_of_an_interval_is_no_expression(lake: Lake) -> None:
    for number in ("(1.9)", "nodes_listed"):
        with pytest.raises(QueryError, match=r"^line 1, column \d+: "):
            lake.query(f"SELECT run_at - INTERVAL {number} DAY FROM target_runs")  # noqa: S608


@pytest.mark.parametrize(
    "expression",
    [
        "run_at + 2 * INTERVAL '1.9' DAY",
        "sequence(DATE '2026-11-01', DATE '2026-11-03', INTERVAL '1.9' DAY)",
        "count(*) OVER (ORDER BY run_at RANGE BETWEEN INTERVAL '1.9' DAY PRECEDING AND CURRENT ROW)",
    ],
)
def test_no_place_of_an_interval_may_have_a_fraction(lake: Lake, expression: str) -> None:
    with pytest.raises(QueryError, match=r"^an interval must have a whole number in quotes and a unit, such as"):
        lake.query(f"SELECT {expression} FROM target_runs")  # noqa: S608


def test_a_column_may_be_named_interval(lake: Lake) -> None:
    assert lake.query("SELECT interval FROM (VALUES 1) AS t (interval)").rows == [(1,)]


def test_a_window_may_have_an_interval(lake: Lake) -> None:
    window = "ORDER BY run_at RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW"

    assert len(lake.query(f"SELECT count(*) OVER ({window}) AS n FROM runs").rows) == 6  # noqa: S608


@pytest.mark.parametrize("clause", ["WHERE nodes_listed", "GROUP BY region HAVING 1", "JOIN runs ON 1"])
def test_a_condition_that_is_a_number_is_refused(lake: Lake, clause: str) -> None:
    with pytest.raises(QueryError, match="a condition must be a boolean"):
        lake.query(f"SELECT count(*) AS n FROM target_runs {clause}")  # noqa: S608


ACCEPTED = """
    contains(ARRAY['1'], ?)
    coalesce('1', ?)
    1 = ?
    1 = '1'
    1 IN (1, 2)
    coalesce(NULL, 1) = 1
    coalesce(1, 2.5e0) = 1
    coalesce(current_date, DATE '2026-01-01') IS NOT NULL
    greatest(current_date, current_timestamp) IS NOT NULL
    true = (1 = 1)
    current_date = run_at OR true
    element_at(ARRAY[1, 2], -1) = 2
    histogram(1)[1] = 1
    map(ARRAY['a'], ARRAY[1])['a'] = 1
    map(ARRAY[0], ARRAY[1])[0] = 1
    'a' || NULL IS NULL
    NULL IS NULL AND NOT false
    coalesce(1 = nullif(NULL, NULL), 1 IN (nullif(NULL, 1), 2), NULL BETWEEN 1 AND try(NULL), true)
    coalesce(1 = CASE WHEN true THEN NULL END, 1 < if(true, NULL, NULL), 1 <> greatest(NULL, try(NULL)), true)
    coalesce(1 / nullif(NULL, NULL) = 1, CASE 1 WHEN CASE WHEN true THEN NULL ELSE NULL END THEN false END, true)
    CASE WHEN nullif(NULL, NULL) THEN false ELSE true END AND coalesce(NOT if(true, NULL), true)
    NULL OR (NULL) OR NOT NULL
    filter(ARRAY[1, 2], x -> x > 1) = ARRAY[2]
    filter(ARRAY['a', 'b'], x -> x LIKE 'a%' OR regexp_like(x, 'c')) = ARRAY['a']
    filter(ARRAY[true, false], x -> x) = ARRAY[true]
    filter(ARRAY[1, NULL], x -> x IS NOT NULL) = ARRAY[1]
    ARRAY[1] = ARRAY[1e0] AND ARRAY[] <> ARRAY[1]
    coalesce(ARRAY[1] = NULL, ARRAY[NULL, 1] = ARRAY[1, 2], true) IS NOT NULL
    5e0 / 2 = 2.5e0
    run_at + 2 * INTERVAL '1' HOUR > run_at
    run_at - INTERVAL '-1' DAY > run_at
    run_at + interval '1.5' second = run_at + INTERVAL '1' SECOND + INTERVAL '0.500' SECOND
    cardinality(sequence(current_date - INTERVAL '3' DAY, current_date, INTERVAL '1' DAY)) = 4
    split('a b', ' ')[2] = 'b'
"""


@pytest.mark.parametrize("condition", [line.strip() for line in ACCEPTED.strip().splitlines()])
def test_operands_of_one_type_are_accepted(lake: Lake, condition: str) -> None:
    sql = (
        f"SELECT {condition} AS found FROM (SELECT max(run_at) AS run_at, count(*) AS n FROM runs) AS t GROUP BY run_at"  # noqa: S608
    )

    assert lake.query(sql, ["1"] * condition.count("?")).rows
