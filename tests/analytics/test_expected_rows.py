"""Every view and every named query has rows that were worked out by hand: a new one without them fails here."""

import ast
from pathlib import Path

import sqlglot

from patchlake_cli.lake.statements import HISTORY, queries, relations_of, views

FOLDER = Path(__file__).parent


def compared(source: str) -> set[str]:
    """Return the views and queries of which a test module reads rows by name: view, Lake.named or Lake.query."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="view"), args=[_, ast.Constant(value=str(name)), *_]):
                found.add(name)
            case ast.Call(func=ast.Attribute(attr="named"), args=[ast.Constant(value=str(name)), *_]):
                found.add(name)
            case ast.Call(func=ast.Attribute(attr="query"), args=[ast.Constant(value=str(sql)), *_]):
                found.update(relations_of(sqlglot.parse_one(sql, read="athena")))
    return found


def compared_in(*modules: str) -> set[str]:
    """Return what any of these test modules reads by name."""
    return set().union(*(compared((FOLDER / name).read_text(encoding="utf-8")) for name in modules))


def test_every_named_query_has_expected_rows() -> None:
    there = compared_in(
        "test_questions.py",
        "test_patch_questions.py",
        "test_ec2_questions.py",
        "test_clock_questions.py",
        "test_policy_views.py",
    )

    assert {query.name for query in queries()} - there == set(), "write its rows in test_questions.py"


def test_every_view_has_expected_rows_or_is_all_that_a_query_with_expected_rows_reads() -> None:
    there = compared_in(
        "test_views.py",
        "test_patch_views.py",
        "test_ec2_views.py",
        "test_clock_views.py",
        "test_policy_views.py",
        "test_scorecards.py",
    )
    shown = {query.relations[0] for query in queries() if len(query.relations) == 1}

    # A view over the history is its original over more days.
    written = {view.name for view in views() if not view.name.startswith(HISTORY)}
    assert written - there - shown == set(), "write its rows in test_views.py"


def test_what_a_test_reads_is_found_by_name() -> None:
    source = """
def test_one(lake):
    assert view(lake, "one", "run_id") == [1]
    assert lake.named("two", ["5"]).rows == [2]
    assert lake.query("WITH own AS (SELECT 1) SELECT run_id FROM three JOIN own", []).rows == [3]
    assert lake.query(f"SELECT run_id FROM {name}").rows == [4]
    assert "five"
"""

    assert compared(source) == {"one", "two", "three"}
