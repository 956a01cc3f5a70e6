"""The bytes that a query scans, from the SQL and from the metadata of the files."""

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from generators.documents.scans import Scan, scans, scans_of
from generators.large_day import NODES
from patchlake.sources.patch_states import PATCH_STATES
from patchlake_cli.lake.files import find_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import HISTORY, Statement, queries, views

OF_NO_RUN = frozenset(
    {
        *("built_in_deadlines", "severity_ranks"),
        *("exception_rows", "policy_problems", "sla_rows"),
        *("patch_cves", "patch_lines", "node_states"),
    }
)
"""The views of constants, of the policy, and of patches and nodes whatever run read them."""

MOST_READINGS = 80
"""The most readings of tables in a view or query: each is a stage, and Trino stops a statement at 150."""

OF_MANY_READINGS = {
    "sla_breaches": 128,  # the clocks of lines and those of patches, for the exceptions
    "overdue_patches": 151,  # sla_breaches, and whose patches are not known
    "new_patches": 154,  # the patches of two runs, which it compares for each target
    "scorecard_trend": 186,  # the deadlines and the nodes of each part of the fleet
    "scorecards": 372,  # compliance, breaches and remediation of each part of the fleet
}
"""The readings of the statements that Athena may refuse; none may read more."""

FOUR = ("account_id", "region", "platform_name", "missing_count")


def question(sql: str) -> exp.Query:
    """Return a SELECT as sqlglot reads it."""
    tree = sqlglot.parse_one(sql, read="athena")
    assert isinstance(tree, exp.Query)
    return tree


def test_a_query_of_four_columns_over_a_day_of_100_000_nodes_scans_at_most_2_bytes_a_row(large_day: Path) -> None:
    sql = "SELECT account_id, region, platform_name, sum(missing_count) FROM patch_states GROUP BY 1, 2, 3"

    [scan] = scans_of(question(sql))
    sizes = find_lake(LakeLocation(str(large_day))).column_bytes("patch_states")

    assert scan == Scan("patch_states", frozenset(FOUR))
    assert 0 < sum(sizes[column] for column in scan.columns) / NODES <= 2


def test_a_whole_day_of_100_000_nodes_takes_less_than_50_bytes_a_row(large_day: Path) -> None:
    assert sum(find_lake(LakeLocation(str(large_day))).column_bytes("patch_states").values()) / NODES < 50


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT count(*) FROM coverage", [("coverage", set())]),
        ("SELECT run_date FROM recent_coverage", [("coverage", set())]),
        (
            "SELECT region FROM coverage WHERE account_id = 'a' ORDER BY run_at",
            [("coverage", {"account_id", "region", "run_at"})],
        ),
        (
            "WITH c AS (SELECT region, run_id FROM coverage) SELECT a.region FROM c AS a JOIN c AS b USING (region)",
            [("coverage", {"region"}), ("coverage", {"region"})],
        ),
        (
            "SELECT region FROM coverage UNION ALL SELECT run_id FROM coverage",
            [("coverage", {"region"}), ("coverage", {"run_id"})],
        ),
    ],
)
def test_each_time_a_table_is_named_the_columns_that_matter_are_read(
    sql: str, expected: list[tuple[str, set[str]]]
) -> None:
    assert scans_of(question(sql)) == [Scan(table, frozenset(columns)) for table, columns in expected]


def test_a_view_costs_only_what_the_columns_that_are_asked_of_it_need() -> None:
    cheap = scans_of(question("SELECT ping_status FROM latest_patch_states"))

    assert [scan.columns for scan in cheap if scan.table == "patch_states"] == [{"ping_status", "run_id"}, {"run_id"}]


def test_each_part_of_a_view_that_is_a_union_costs_its_own_columns() -> None:
    read = scans_of(question("SELECT instance_id FROM patches_not_known"))

    assert [scan.columns for scan in read if scan.table == "patch_states" and "instance_id" in scan.columns] == [
        {
            *("run_id", "account_id", "region", "instance_id", "collection_status", "collection_detail"),
            *("collected_at", "operation_start_time", "operation_end_time"),
            *("missing_count", "failed_count", "installed_pending_reboot_count", "installed_rejected_count"),
        }
    ]


def test_every_statement_about_runs_reads_coverage_and_no_sensitive_column_but_those_that_pass_all_on() -> None:
    for statement in (*views(), *queries()):
        read = scans(statement)
        assert statement.name.removeprefix(HISTORY) in OF_NO_RUN or "coverage" in {scan.table for scan in read}
        if not set(PATCH_STATES.table.column_names) <= set(statement.tree.named_selects):
            assert not any({"ip_address", "owner_information"} & scan.columns for scan in read)


@pytest.mark.parametrize("statement", [pytest.param(each, id=each.name) for each in (*views(), *queries())])
def test_no_view_or_query_reads_tables_more_often_than_its_budget(statement: Statement) -> None:
    readings = len(scans(statement))

    if statement.name in OF_MANY_READINGS:
        assert MOST_READINGS < readings == OF_MANY_READINGS[statement.name], "lower the budget with the readings"
    else:
        assert readings <= MOST_READINGS


def test_an_array_is_no_reading_of_the_table_that_it_comes_from() -> None:
    assert (
        len(scans_of(question("SELECT t.n FROM coverage CROSS JOIN UNNEST(sequence(1, nodes_listed)) AS t (n)"))) == 1
    )
