"""The patterns of regular expressions: Athena's engine finds the same, or they are refused."""

from typing import Any

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

ANSWERED: list[tuple[str, Any]] = [
    ("regexp_extract('a1', '[0-9]')", "1"),
    ("regexp_extract('a1', 'x')", None),
    ("regexp_extract('a1', 'x', 0)", None),
    ("regexp_extract('b', '(a)?b', 1)", None),
    ("regexp_extract('b', '(?:(a)|b)', 1)", None),
    ("regexp_extract('b', 'a|(b)', 1)", "b"),
    ("regexp_extract('ab', 'a(x*)b', 1)", ""),
    ("regexp_extract('b', 'a(x*)b', 1)", None),
    ("regexp_extract(CAST(NULL AS varchar), 'a(x*)b', 1)", None),
    ("regexp_extract_all('ab', '(a)|b', 1)", ["a", None]),
    ("regexp_extract_all('ab', 'x')", []),
    ("regexp_replace('ab', '(a)', '$12')", "a2b"),
    ("regexp_replace('ab', '(a)', '$0$01')", "aab"),
    ("regexp_split('a,b,', ',')", ["a", "b", ""]),
    (r"regexp_like('A.b', '(?i)^a\.[^,]?[B-D]{1,2}?$')", True),
    (r"regexp_like('a-1', '^\w[\w-]\d\z')", True),
    (r"regexp_like('A1', '\p{Lu}\P{L}')", True),
    (r"regexp_like('a b', '\bb')", True),
    ("regexp_like('KB1', '^[' || chr(75) || ']' || concat('B', '[0-9]'))", True),
    ("regexp_extract('eu-central-1', '^([^-]+)-', 1)", "eu"),
    ("regexp_replace('a-b~c', '[-~]', '')", "abc"),
    ("regexp_like('a-b', '^[a-z][-][a-z]$')", True),
    ("regexp_like(NULL, 'a')", None),
    ("split_part('a,b', ',', 3)", None),
    ("split_part('a,', ',', 2)", ""),
]


@pytest.mark.parametrize(("expression", "athena"), ANSWERED)
def test_a_pattern_finds_what_it_finds_in_athena(lake: Lake, expression: str, athena: Any) -> None:  # noqa: ANN401
    assert lake.query(f"SELECT {expression}").rows == [(athena,)]


@pytest.mark.parametrize(
    "call",
    [
        "regexp_extract('a', '(a)', 2)",
        "regexp_extract_all('a', '(?:a)', 1)",
        "regexp_replace('a', '(a)', '$5')",
        "regexp_replace('a', 'a', '$1')",
    ],
)
def test_a_group_that_the_pattern_lacks_is_refused(lake: Lake, call: str) -> None:
    with pytest.raises(QueryError, match=r"there is no group \d: the pattern has \d"):
        lake.query(f"SELECT {call}")


@pytest.mark.parametrize(
    ("pattern", "rest"),
    [
        ("a(?<=a)b", "(?<=a)b"),
        ("a(?=b)", "(?=b)"),
        ("(?>a)", "(?>a)"),
        ("(?<name>a)", "(?<name>a)"),
        ("(?m)^a", "(?m)^a"),
        ("(?U)a*", "(?U)a*"),
        ("a(?i)b|c", "(?i)b|c"),
        ("a*+", "*+"),
        ("a{2}?", "{2}?"),
        ("a{,2}", "{,2}"),
        ("^*", "*"),
        (r"a\Z", r"\Z"),
        (r"\ha", r"\ha"),
        (r"\va", r"\va"),
        (r"\Qa\E", r"\Qa\E"),
        (r"\x41", r"\x41"),
        (r"(a)\1", r"\1"),
        (r"\pL", r"\pL"),
        (r"\p{Alpha}", r"\p{Alpha}"),
        ("[[:alpha:]]", "[[:alpha:]]"),
        ("[a-z&&[b]]", "[a-z&&[b]]"),
        ("[]a]", "[]a]"),
        ("a)", ")"),
    ],
)
def test_a_part_that_the_engines_read_in_different_ways_is_refused(lake: Lake, pattern: str, rest: str) -> None:
    with pytest.raises(QueryError) as refused:
        lake.query(f"SELECT regexp_like('a', '{pattern}')")

    assert str(refused.value).startswith(f"the pattern '{pattern}' is not supported from '{rest}' on: ")


@pytest.mark.parametrize("pattern", ["[z-a]", "a{2000}", "a{3,2}", r"\p{Qq}", "(?:(?:.{900}){30}){30}"])
def test_a_pattern_that_duckdb_does_not_take_is_refused_in_our_words(lake: Lake, pattern: str) -> None:
    with pytest.raises(QueryError, match=r"^the pattern of a regular expression is not supported: "):
        lake.query(f"SELECT regexp_like('a', '{pattern}')")


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("regexp_like('a', '(a')", "the pattern '(a' has a group that is not closed"),
        ("regexp_like('a', run_id)", "the pattern runs.run_id must be one text in quotes"),
        ("regexp_extract('a', 'a', 1 - 1)", "the group must be written as a whole number, such as 1"),
        ("regexp_extract('a', '(a)?(b*)?', 2)", "group 2 may match an empty text or nothing, which is NULL"),
        *(
            (f"regexp_{call}", "may match an empty text")
            for call in ("replace('a', 'a*', 'b')", "count('a', '(a|b?)')", "split('a', '^|,')", "extract_all('a', '')")
        ),
        ("regexp_replace('a', 'a', '$')", r"write \$ for the character"),
        ("regexp_replace('a', 'a', '${x}')", r"write \$ for the character"),
        ("regexp_replace('a', 'a', 'x\\')", r"write \\ for the character"),
        (f"regexp_replace('a', '{'(a)' * 10}', '$10')", "a replacement can have the groups up to $9"),
    ],
)
def test_a_pattern_or_replacement_that_athena_reads_in_another_way_is_refused(
    lake: Lake, call: str, problem: str
) -> None:
    with pytest.raises(QueryError) as refused:
        lake.query(f"SELECT {call} FROM runs")  # noqa: S608

    assert problem in str(refused.value)
