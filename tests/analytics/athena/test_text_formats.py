"""The formats of texts and times: each is written as in Athena, or refused."""

import re

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError


@pytest.mark.parametrize(
    "expression",
    [
        "date_parse('02:03', '%H:%i')",
        "date_parse('11-02', '%m-%d')",
        "date_parse('69-11-02', '%y-%m-%d')",
        "date_parse('2026 306', '%Y %j')",
        "date_parse('Tue 2026-11-02', '%a %Y-%m-%d')",
        "date_parse('2026-11-02 03:04:05.123456', '%Y-%m-%d %T.%f')",
        "date_parse('2026-11-02 11', '%Y-%m-%d %h')",
        "date_parse('2026-11-02 11 PM', '%Y-%m-%d %H %p')",
        "date_parse('2026-11-02 Nov', '%Y-%m-%d %b')",
        "date_parse('2026-11-02 %M', '%Y-%m-%d %%M')",
        "date_format(current_timestamp, '%v')",
        "date_format(current_timestamp, '%%M')",
        "date_format(current_timestamp, '%D')",
        "date_format(current_timestamp, '%')",
        "format('%b', true)",
        "format('%.1f', 0.25e0)",
        "format('%e', 1.5e0)",
        "format('%c', 65)",
        "format('%#x', 255)",
        "format('%-d', 5)",
        "format('%n')",
        "format('%d')",
        "format('%d', run_status)",
        "format('%d', 1.5)",
        "format('%s', run_at)",
        "format('%s', ARRAY[1])",
        "format(run_status, 1)",
    ],
)
def test_a_format_that_the_engines_read_differently_is_refused(lake: Lake, expression: str) -> None:
    with pytest.raises(QueryError, match=re.escape(expression.partition("(")[0])):
        lake.query(f"SELECT {expression} FROM latest_run")  # noqa: S608


@pytest.mark.parametrize(
    ("expression", "athena"),
    [
        ("date_format(TIMESTAMP '2026-02-03 13:04:05.678', '%a %b %c %d %e %f')", "Tue Feb 2 03 3 678000"),
        ("date_format(TIMESTAMP '2026-02-03 13:04:05.678', '%H %h %I %i %j %k %l')", "13 01 01 04 034 13 1"),
        (
            "date_format(TIMESTAMP '2026-02-03 13:04:05.678', '%M %m %p %S %s %W %Y %y')",
            "February 02 PM 05 05 Tuesday 2026 26",
        ),
        ("date_format(TIMESTAMP '2026-02-03 13:04:05.678', '%r, %T')", "01:04:05 PM, 13:04:05"),
        ("date_format(DATE '2027-01-01', '%x')", "2026"),
        ("CAST(date_parse('3 Feb 2026, 01:04 pm', '%e %b %Y, %h:%i %p') AS varchar)", "2026-02-03 13:04:00.000"),
        ("CAST(date_parse('20260203130405', '%Y%m%d%H%i%s') AS varchar)", "2026-02-03 13:04:05.000"),
        ("CAST(date_parse('2026-02-03 13:04:05', '%Y-%c-%d %T') AS varchar)", "2026-02-03 13:04:05.000"),
        ("format('%s', NULL)", "null"),
        ("format('%d|%5d|%-5s|%05d', NULL, NULL, NULL, CAST(NULL AS bigint))", "null| null|null | null"),
        ("format('%s %s %s', true, DATE '2026-02-03', 5)", "true 2026-02-03 5"),
        ("format('100%% of %2$s, %1$s', 'a', 'b')", "100% of b, a"),
        ("format('%,d %x', 1234567, 255)", "1,234,567 ff"),
        ("format('%s', 'a', 'b')", "a"),
    ],
)
def test_a_format_is_written_as_in_athena(lake: Lake, expression: str, athena: str) -> None:
    assert lake.query(f"SELECT {expression}").rows == [(athena,)]
