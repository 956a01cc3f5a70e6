"""A lake as a database: the SQL that it accepts, answers as in Athena, and refusals with the position."""

import gc
import weakref
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir

import duckdb
import pytest

from patchlake_cli.lake.athena.translation import parse_question
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.errors import ParameterError, QueryError
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import relations_of
from tests.analytics import story


def test_an_answer_has_names_and_athenas_types(lake: Lake) -> None:
    answer = lake.query("SELECT run_id, run_at, nodes_listed, nodes_listed > 3 AS many FROM latest_coverage")

    assert answer.columns == ("run_id", "run_at", "nodes_listed", "many")
    assert answer.types == ("varchar", "timestamp", "integer", "boolean")


def test_a_parameter_stands_where_a_question_mark_is(lake: Lake) -> None:
    assert lake.query("SELECT count(*) FROM runs WHERE run_status = ?", ["PARTIAL"]).rows == [(2,)]


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        (
            "SELECT run_id,\n  compliant_percnt\nFROM compliance_overall",
            (
                'line 2, column 3: there is no column "compliant_percnt"; did you mean "compliant_percent"?\n'
                "    compliant_percnt\n"
                "    ^"
            ),
        ),
        (
            "SELECT run_id FROM rums",
            (
                'line 1, column 20: there is no table or view "rums"; did you mean "runs"? '
                "`patchlake query --list-tables` lists them all.\n  SELECT"
            ),
        ),
        (
            "SELECT run_id FROM zzzzz",
            (
                'line 1, column 20: there is no table or view "zzzzz". '
                "`patchlake query --list-tables` lists them all.\n  SELECT"
            ),
        ),
        (
            "SELECT run_id\nFROM runs WHERE GROUP BY run_id",
            (
                "line 2, column 17: this is not valid SQL in Athena\n"
                "  FROM runs WHERE GROUP BY run_id\n"
                "                  ^"
            ),
        ),
        ("SELECT nope(run_id) FROM runs", "line 1, column 8: nope() is not supported"),
        (
            "SELECT run_id FROM runs JOIN latest_run ON true",
            'line 1, column 8: Ambiguous reference to column name "run_id"',
        ),
        ("SELECT avg(run_id) FROM runs", "line 1, column 8: an operator or function does not take varchar: use CAST"),
        (
            "SELECT a.run_id FROM runs AS a JOIN runs AS b ON a.wrong = b.run_id",
            "line 1, column 52: Unknown column: wrong",
        ),
        ("SELECT 'open FROM runs", "a quote or a comment is not closed"),
        ("SELECT run_id FROM runs WHERE run_id = ?", "expected the parameter of the SELECT, such as 1="),
        ("SELECT CAST(run_id AS integer) FROM runs", "line 1, column 8: the text '2026"),
        ("DELETE FROM runs", "expected one SELECT"),
        ("-- nothing\nDROP TABLE runs", "expected one SELECT"),
        ("COPY runs TO 'stolen.csv'", "expected one SELECT"),
        ("SELECT 1; SELECT 2", "expected one SELECT"),
        ("SELECT * INTO copied FROM runs", "line 1, column 10: this is not valid SQL in Athena"),
        ("SELECT run_id FROM runs WHERE run_id IN ()", "line 1, column 38: this is not valid SQL in Athena"),
        ("SELECT DISTINCT ON (run_date) run_id FROM runs", "line 1, column 17: this is not valid SQL in Athena"),
        (
            "SELECT * FROM (SELECT run_id FROM runs SORT BY run_id) AS r",
            "line 1, column 45: this is not valid SQL in Athena",
        ),
        ("SELECT * FROM duckdb_settings()", "line 1, column 30: duckdb_settings() is not a table or view"),
        ("SELECT * FROM sequence(1, 3)", "line 1, column 23: sequence() is not a table or view"),
        ("SELECT run_id FROM runs FOR UPDATE", "line 1, column 29: this is not valid SQL in Athena"),
        (
            "SELECT run_id FROM runs ORDER BY run_date FETCH FIRST 1 ROWS WITH TIES",
            "WITH TIES is not supported: use rank() instead",
        ),
        ("SELECT 1\0", "line 1, column 9: this is not valid SQL in Athena"),
        ("SELECT 1 AS one\u200b", "line 1, column 16: this is not valid SQL in Athena"),
        ("SELECT 1 AS größe", "line 1, column 15: this is not valid SQL in Athena"),
        (
            "SELECT targets_read * -1 AS targets_read FROM runs ORDER BY targets_read * 1",
            "ORDER BY: targets_read is both a column and an alias: rename the alias",
        ),
        ("", "expected one SELECT"),
        ("SELECT 1; -- end\nSELECT 2", "expected one SELECT"),
        ("SELECT " + "1 + " * 2000 + "1 AS n", "the SELECT is nested too deeply"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_with_the_place(lake: Lake, sql: str, complaint: str) -> None:
    with pytest.raises(QueryError) as refused:
        lake.query(sql)

    assert str(refused.value).startswith(complaint)


def test_an_alias_that_hides_a_column_is_what_the_rows_are_sorted_by(lake: Lake) -> None:
    by_alias = lake.query("SELECT -targets_read AS targets_read FROM runs ORDER BY targets_read").rows
    by_column = lake.query("SELECT -targets_read AS targets_read FROM runs ORDER BY runs.targets_read + 0").rows

    assert by_alias == sorted(by_alias)
    assert by_column == sorted(by_column, reverse=True)
    assert lake.query("SELECT run_id AS run_id FROM latest_run ORDER BY run_id || 'x'").rows == [(story.R5,)]


@pytest.mark.parametrize("sql", ["SELECT 1 AS one; -- end", "SELECT 1 AS one;\n/* end */\n;\n"])
def test_a_comment_after_the_semicolon_changes_nothing(lake: Lake, sql: str) -> None:
    assert lake.query(sql).rows == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT * FROM read_text('pyproject.toml')",
    ],
)
def test_a_question_reaches_no_file(lake: Lake, sql: str) -> None:
    with pytest.raises(QueryError, match="is not a table or view"):
        lake.query(sql)
    # Nor would the database, if it were asked.
    with pytest.raises(duckdb.PermissionException, match="disabled by configuration"):
        lake._database.execute(sql)  # noqa: SLF001


def test_a_question_reaches_no_variable_of_the_program(lake: Lake) -> None:
    secret = [1]

    with pytest.raises(QueryError, match="no table or view"):
        lake.query("SELECT * FROM secret")
    assert secret == [1]


def test_a_bad_name_of_a_query_is_answered_with_a_similar_one_and_the_list(lake: Lake) -> None:
    with pytest.raises(
        QueryError, match=r"no named query 'platform'; did you mean .*`patchlake query --list` lists them all\."
    ):
        lake.named("platform")


def test_a_named_query_says_which_parameters_it_needs(lake: Lake) -> None:
    with pytest.raises(ParameterError, match=r"expected the parameter of overdue_nodes, such as days=30 \(N, the days"):
        lake.named("overdue_nodes")
    with pytest.raises(ParameterError, match="'2026-11-01': expected no parameter, since changes has none"):
        lake.named("changes", ["2026-11-01"])
    with pytest.raises(ParameterError, match="days is 'soon': expected a whole number of days"):
        lake.named("overdue_nodes", ["soon"])


def test_a_table_holds_no_run_that_is_later_than_the_date_of_the_question(story_folder: Path) -> None:
    earlier = open_lake(LakeLocation(str(story_folder)), now=datetime(2026, 11, 10, 23, tzinfo=UTC))

    assert earlier.query("SELECT max(run_id) FROM coverage").rows == [(story.R4,)]
    assert earlier.query("SELECT max(run_id) FROM patch_states").rows == [(story.R4,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT from_iso8601_timestamp('2026-11-12T07:00:00+01:00') AS at, 1 AS n",
        "SELECT from_unixtime(1794463200) AS at, 1 AS at",
    ],
)
def test_a_time_with_a_zone_is_answered_in_utc(lake: Lake, sql: str) -> None:
    assert lake.query(sql).rows == [(datetime(2026, 11, 12, 6), 1)]  # noqa: DTZ001


def test_a_cte_may_have_the_name_of_the_table_that_it_reads(lake: Lake) -> None:
    sql = "WITH patch_states AS (SELECT * FROM patch_states) SELECT count(*) FROM patch_states"

    assert relations_of(parse_question(sql)) == ["patch_states"]
    assert lake.query(sql).rows == lake.query("SELECT count(*) FROM patch_states").rows


WAIVERS = 'instance_id,reason\ni-0000000000000000a,"end of life, in May"\n'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_file_is_one_more_table_of_text(lake: Lake, story_folder: Path, end: str) -> None:
    own = open_lake(LakeLocation(str(story_folder)), now=story.NOW)
    own.add_csv("waivers", WAIVERS.replace("\n", end))

    assert own.query("SELECT * FROM waivers").rows == [("i-0000000000000000a", "end of life, in May")]
    assert own.describe("waivers") == {"instance_id": "varchar", "reason": "varchar"}
    with pytest.raises(QueryError, match="no table or view"):
        lake.query("SELECT * FROM waivers")


@pytest.mark.parametrize("column", ["owner", "Owner", '"Owner"', "t.OWNER", "*"])
def test_the_columns_of_a_csv_file_have_no_case(story_folder: Path, column: str) -> None:
    own = open_lake(LakeLocation(str(story_folder)), now=story.NOW)
    own.add_csv("t", "Owner\nAnn\n")

    answer = own.query(f"SELECT {column} FROM t")  # noqa: S608

    assert answer.rows == [("Ann",)]
    assert own.describe("t") == {"owner": "varchar"}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("runs", WAIVERS, "table 'runs' already exists"),
        ("patch_states", WAIVERS, "table 'patch_states' already exists"),
        ("waivers", "", "the first line must name each column once"),
        ("waivers", "a,A\n", "the first line must name each column once"),
        ("waivers", "a,b c\n", "the first line must name each column once"),
        ("waivers", "a,b\n1,2\n3\n", "row 3 does not have 2 columns, as the first row does"),
    ],
)
def test_a_csv_file_that_is_no_table_is_refused(story_folder: Path, name: str, text: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=complaint):
        open_lake(LakeLocation(str(story_folder)), now=story.NOW).add_csv(name, text)


def test_what_memory_does_not_hold_goes_to_the_temporary_folder(lake: Lake) -> None:
    [[folder]] = lake._database.execute("SELECT current_setting('temp_directory')").fetchall()  # noqa: SLF001

    assert Path(folder).parent == Path(gettempdir())


def test_the_memory_of_a_lake_is_free_as_soon_as_nothing_refers_to_it(story_folder: Path) -> None:
    gc.disable()
    try:
        lake = open_lake(LakeLocation(str(story_folder)), now=story.NOW)
        lake.query("SELECT * FROM node_compliance")
        database = weakref.ref(lake._database)  # noqa: SLF001
        del lake

        assert database() is None
    finally:
        gc.enable()
