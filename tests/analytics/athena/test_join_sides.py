"""The joins that the engine turns for DuckDB."""

import duckdb
import pytest
import sqlglot

from patchlake_cli.lake.athena.join_sides import turn_joins

COUNTED = "WITH counted AS (SELECT region, count(*) AS n FROM nodes GROUP BY region) SELECT 1 AS n FROM"
TURNED = """
    WITH counted AS (SELECT region, count(*) AS n FROM nodes GROUP BY region)
    SELECT target.region, counted.n, owner.name
    FROM counted
    RIGHT JOIN targets AS target ON counted.region = target.region
    LEFT JOIN owners AS owner ON owner.region = target.region
"""


def turned(sql: str) -> str:
    tree = sqlglot.parse_one(sql, read="athena")
    turn_joins(tree)
    return tree.sql(dialect="duckdb")


def test_a_right_join_to_groups_becomes_a_left_join() -> None:
    assert "FROM targets AS target LEFT JOIN counted ON counted.region = target.region LEFT JOIN" in turned(TURNED)


def test_its_answer_stays_the_same() -> None:
    with duckdb.connect() as database:
        database.execute("CREATE TABLE nodes AS FROM (VALUES ('eu'), ('eu'), ('us')) AS nodes (region)")
        database.execute("CREATE TABLE targets AS FROM (VALUES ('eu'), ('ap')) AS targets (region)")
        database.execute("CREATE TABLE owners AS FROM (VALUES ('ap', 'shop')) AS owners (region, name)")

        rows = [set(database.execute(sql).fetchall()) for sql in (TURNED, turned(TURNED))]

    assert rows[0] == rows[1] == {("eu", 2, None), ("ap", None, "shop")}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS n FROM nodes RIGHT JOIN targets ON nodes.region = targets.region",
        "WITH kept AS (SELECT region FROM nodes) SELECT 1 AS n FROM kept RIGHT JOIN targets ON kept.region = 'eu'",
        f"{COUNTED} counted RIGHT JOIN targets USING (region)",
        f"{COUNTED} counted JOIN targets ON counted.region = targets.region",
        f"{COUNTED} owners CROSS JOIN counted RIGHT JOIN targets ON counted.region = targets.region",
    ],
)
def test_other_joins_are_left_as_they_are(sql: str) -> None:
    assert turned(sql) == sqlglot.parse_one(sql, read="athena").sql(dialect="duckdb")
