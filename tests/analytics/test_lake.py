"""A lake as a database: the SQL that it accepts, answers as in Athena, and refusals with the position."""

import os
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copytree
from tempfile import gettempdir
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from patchlake.core.keys import coverage_key, snapshot_key
from patchlake.sources.patch_states import PATCH_STATES
from patchlake_cli.lake import files
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.errors import LakeError, ParameterError, QueryError
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import relations_of
from patchlake_cli.lake.translation import parse_question
from tests.analytics import story
from tests.analytics.synthetic import collected, listed, write_run


@pytest.mark.parametrize(
    ("expression", "athena"),
    [
        ("nodes_compliant / nodes_listed", 0),
        ("-7 / 2", -3),
        ("nodes_compliant * 1e0 / 4", 0.5),
        ("nodes_listed % 5", 2),
        ("date_diff('day', TIMESTAMP '2026-11-01 23:00:00', TIMESTAMP '2026-11-02 01:00:00')", 0),
        ("date_diff('hour', TIMESTAMP '2026-11-01 23:00:00', TIMESTAMP '2026-11-02 01:00:00')", 2),
        ("current_date", date(2026, 11, 13)),
        ("CAST(current_timestamp AS timestamp)", datetime(2026, 11, 13, 12)),  # noqa: DTZ001  # answers have no zone
        ("localtimestamp", datetime(2026, 11, 13, 12)),  # noqa: DTZ001
        ("CAST(current_time AS varchar)", "12:00:00"),
        ("CAST(localtime AS varchar)", "12:00:00"),
        ("date_diff('day', DATE '2026-11-01', current_date)", 12),
        ("max_by(1, current_date) OVER () + date_diff('day', DATE '2026-11-01', date_add('day', 1, current_date))", 14),
        ("count_if(current_date = DATE '2026-11-13') OVER ()", 1),
        (
            "count_if(date_diff('day', TIMESTAMP '2026-11-01 23:00:00', TIMESTAMP '2026-11-02 01:00:00') > 0) OVER ()",
            0,
        ),
        ("extract(dow FROM DATE '2026-11-29')", 7),
        ("extract(dow FROM DATE '2026-11-29') / 2", 3),
        ("date_diff('day', DATE '2026-11-01', current_date) / 7", 1),
        ("count_if(true) OVER () / 2", 0),
        ("max_by(7, 1) OVER () / 2", 3),
        ("array_position(ARRAY[1, 2, 3], 3) / 2", 1),
        ("slice(ARRAY[7], 1, 1)[1] / 2", 3),
        ("array_max(ARRAY[7, 3]) / 2", 3),
        ("regexp_count('aaa', 'a') / 2", 1),
        ("bitwise_and(6, 3) + 1", 3),
        ("bitwise_or(4, 1) * 2", 10),
        ("bitwise_not(5) + 1", -5),
        ("-bitwise_xor(6, 3)", -5),
        ("format('%d-%s', 1, 'a')", "1-a"),
        ("regexp_replace('ab', '(a)(b)', '$2-$1')", "b-a"),
        (r"regexp_replace('ab', 'b', '\$1')", "a$1"),
        (r"regexp_replace('ab', 'b', '\\1')", r"a\1"),
        ("slice(ARRAY[1, 2, 3], 2, 2)", [2, 3]),
        ("slice(ARRAY[1, 2, 3], -2, 1)", [2]),
        ("slice(ARRAY[1, 2, 3], -2, 2)", [2, 3]),
        ("slice(ARRAY[1, 2, 3], -1, 2)", [3]),
        ("array_position(ARRAY[1, 2], 2)", 2),
        ("array_position(ARRAY[1, 2], 3)", 0),
        ("array_position(ARRAY[1, 2], NULL)", None),
        ("count_if(false) OVER ()", 0),
        ("(SELECT count_if(nodes_listed < 0) FROM target_runs WHERE listing_status = 'ACCESS_DENIED')", 0),
        (
            (
                "(SELECT max_by(nodes_listed, run_id) FROM target_runs "
                "WHERE account_name = 'shop' AND region = 'us-east-1')"
            ),
            None,
        ),
        ("(SELECT count(*) FROM RUNS)", 6),
    ],
)
def test_an_expression_is_answered_as_athena_does(lake: Lake, expression: str, athena: Any) -> None:  # noqa: ANN401
    assert lake.query(f"SELECT {expression} FROM compliance_overall").rows == [(athena,)]  # noqa: S608


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
        ("SELECT sum(run_id) FROM runs", "line 1, column 8: No function matches the given name and argument types"),
        (
            "SELECT a.run_id FROM runs AS a JOIN runs AS b ON a.wrong = b.run_id",
            "line 1, column 52: Unknown column: wrong",
        ),
        ("SELECT 'open FROM runs", "a quote or a comment is not closed"),
        ("SELECT run_id FROM runs WHERE run_id = ?", "expected the parameter of the SELECT, such as 1="),
        ("SELECT CAST(run_id AS integer) FROM runs", "line 1, column 8: Could not convert string"),
        ("DELETE FROM runs", "expected one SELECT"),
        ("-- nothing\nDROP TABLE runs", "expected one SELECT"),
        ("COPY runs TO 'stolen.csv'", "expected one SELECT"),
        ("SELECT 1; SELECT 2", "expected one SELECT"),
        ("SELECT * INTO copied FROM runs", "INTO is not valid SQL in Athena"),
        ("SELECT run_id FROM runs WHERE run_id IN ()", "IN () is not valid SQL in Athena"),
        ("SELECT DISTINCT ON (run_date) run_id FROM runs", "DISTINCT ON is not valid SQL in Athena"),
        ("SELECT * FROM (SELECT run_id FROM runs SORT BY run_id) AS r", "SORT BY is not valid SQL in Athena"),
        ("SELECT run_id FROM runs FOR UPDATE", "FOR UPDATE is not valid SQL in Athena"),
        (
            "SELECT run_id FROM runs ORDER BY run_date FETCH FIRST 1 ROWS WITH TIES",
            "WITH TIES is not supported: use rank() instead",
        ),
        ("SELECT 1\0", r"'\x00' is not a name in Athena unless it is in double quotes"),
        ("SELECT 1 AS one\u200b", r"'one\u200b' is not a name in Athena unless it is in double quotes"),
        ("SELECT 1 AS größe", r"'gr\xf6\xdfe' is not a name in Athena unless it is in double quotes"),
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
    "sql", ["SELECT * FROM read_csv('/etc/hostname')", "SELECT * FROM read_text('pyproject.toml')"]
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


@pytest.mark.parametrize("inner", ["", "lake"])
def test_a_lake_is_found_by_its_root_and_by_the_folder_of_its_tables(story_folder: Path, inner: str) -> None:
    found = open_lake(LakeLocation(str(story_folder / inner)), now=story.NOW)

    assert found.query("SELECT run_id FROM latest_run").rows == [(story.R5,)]


def test_what_is_no_lake_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="contains no lake"):
        open_lake(LakeLocation(str(tmp_path)))
    with pytest.raises(LakeError, match="absent does not exist: --lake takes the folder"):
        open_lake(LakeLocation(str(tmp_path / "absent")))


def test_a_folder_with_two_lakes_is_refused_since_one_would_be_ignored(tmp_path: Path) -> None:
    older, newer = "20261112T060000Z", "20261113T060000Z"
    write_run(tmp_path / "a", older, [listed(1)], [collected(older, 1)])
    write_run(tmp_path / "b", newer, [listed(1)], [collected(newer, 1, missing_count=1)])
    copytree(tmp_path / "b" / "lake", tmp_path / "a", dirs_exist_ok=True)

    with pytest.raises(LakeError, match=r"^\S+/a contains two lakes, one of them in \S+/a/lake: move one out$"):
        open_lake(LakeLocation(str(tmp_path / "a")), now=story.NOW)

    assert open_lake(LakeLocation(str(tmp_path / "a" / "lake")), now=story.NOW).query(
        "SELECT run_id FROM latest_run"
    ).rows == [(older,)]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    (tmp_path / snapshot_key(run_id)).write_bytes(b"PAR1, not")

    with pytest.raises(LakeError, match=rf"the lake cannot be read: .*{run_id}\.parquet"):
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT * FROM patch_states")


def test_a_damaged_page_is_named_in_one_line(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    file = tmp_path / snapshot_key(run_id)
    file.write_bytes(b"PAR1" + b"\xff" * 30 + file.read_bytes()[34:])

    with pytest.raises(LakeError, match=rf"^the lake cannot be read: .*{run_id}\.parquet.*$") as refused:
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT * FROM patch_states")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"PAR1, not", b"PAR1" + b"\xff" * 30])
def test_what_to_do_about_a_damaged_file_is_said(tmp_path: Path, content: bytes) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    file = tmp_path / snapshot_key(run_id)
    file.write_bytes(content + file.read_bytes()[len(content) :] if len(content) > 30 else content)

    with pytest.raises(
        LakeError,
        match=r"[^.]; check that you may read the file; if it is damaged, restore a copy or an earlier version of it$",
    ):
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT * FROM patch_states")


@pytest.mark.parametrize("sql", ["SELECT run_id FROM runs", "SELECT run_id FROM node_compliance"])
def test_a_damaged_file_is_named_by_a_view_of_which_the_answer_is_kept(tmp_path: Path, sql: str) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    (tmp_path / coverage_key(run_id)).write_bytes(b"PAR1, not")
    lake = open_lake(LakeLocation(str(tmp_path)), now=story.NOW)

    for _ in range(2):
        with pytest.raises(LakeError, match=rf"the lake cannot be read: .*{run_id}\.parquet"):
            lake.query(sql)


@pytest.mark.parametrize("kind", ["coverage", "patch_states"])
@pytest.mark.parametrize("level", ["file", "date", "table"])
def test_a_run_whose_files_are_links_to_nothing_does_not_vanish(tmp_path: Path, kind: str, level: str) -> None:
    for run_id in ("20261111T060000Z", "20261112T060000Z"):
        write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    file = tmp_path / "lake" / kind / "run_date=2026-11-12" / "20261112T060000Z.parquet"
    gone = {"file": file, "date": file.parent, "table": file.parent.parent}[level]
    gone.rename(tmp_path / "moved")
    gone.symlink_to(tmp_path / "absent")

    with pytest.raises(LakeError, match=f"{gone} is a symbolic link to .*absent, which does not exist; restore it"):
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW)


def test_a_pipe_in_place_of_the_file_of_a_run_is_refused_before_anything_waits_for_it(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    pipe = tmp_path / coverage_key(run_id)
    pipe.unlink()
    os.mkfifo(pipe)

    with pytest.raises(LakeError, match=f"{pipe} is a pipe, not a file"):
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW)


def test_a_run_is_read_through_links(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    (tmp_path / "lake" / "coverage").rename(tmp_path / "moved")
    (tmp_path / "lake" / "coverage").symlink_to(tmp_path / "moved")
    (tmp_path / "moved" / "run_date=2026-11-12" / ".#notes").symlink_to("editor@host.1")

    assert open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT run_id FROM runs").rows == [(run_id,)]


def test_an_error_about_a_file_that_is_cut_short_has_no_name_that_only_the_code_knows(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    path = tmp_path / coverage_key(run_id)
    path.write_bytes(path.read_bytes()[:99])

    with pytest.raises(LakeError, match=rf"^the lake cannot be read: .*{path.name}.*; check that you may") as cut:
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT run_id FROM latest_run")
    assert "_files" not in str(cut.value)


def test_a_flipped_bit_of_a_page_is_noticed(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(40)], [collected(run_id, n, missing_count=n * 7 % 200) for n in range(40)])
    path = tmp_path / snapshot_key(run_id)
    whole = path.read_bytes()
    [column] = [
        column
        for column in map(pq.read_metadata(path).row_group(0).column, range(len(PATCH_STATES.table.column_names)))
        if column.path_in_schema == "missing_count"
    ]
    end = column.dictionary_page_offset + column.total_compressed_size
    known = open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT sum(missing_count) FROM patch_states")

    for place in range(column.dictionary_page_offset, end, 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with suppress(LakeError):
            lake = open_lake(LakeLocation(str(tmp_path)), now=story.NOW)
            assert lake.query("SELECT sum(missing_count) FROM patch_states").rows == known.rows, place


@pytest.mark.parametrize(
    "name",
    [
        "copy.parquet",
        "20261111T060000Z.parquet",
        "20261112T060000Z (1).parquet",
        "a\nb.parquet",
        "20261112T060000Z.parquet.bak",
        "20261112T060000Z.PARQUET",
        "20261112T060000Z",
        "notes.txt",
    ],
)
def test_a_file_that_would_count_twice_is_refused(tmp_path: Path, name: str) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    published = tmp_path / snapshot_key(run_id)
    published.with_name(name).write_bytes(published.read_bytes())

    with pytest.raises(LakeError, match="is not the file of a run") as refused:
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW)
    assert name in str(refused.value)


def test_a_file_that_athena_ignores_is_ignored_and_so_is_an_empty_folder(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    date_folder = (tmp_path / snapshot_key(run_id)).parent
    for name in ("_SUCCESS", ".DS_Store", f"._{run_id}.parquet"):
        (date_folder / name).write_bytes(b"any")
    (date_folder / "empty").mkdir()

    assert open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT run_id FROM runs").rows == [(run_id,)]


@pytest.mark.parametrize("table", ["coverage", "patch_states"])
@pytest.mark.parametrize(
    "folder",
    [
        "RUN_DATE=2026-11-12",
        "run_date=2026-11-12 ",
        " run_date=2026-11-12",
        "run_date = 2026-11-12",
        "run_date=20261112",
    ],
)
def test_a_run_in_a_folder_that_is_almost_that_of_a_date_is_refused(tmp_path: Path, table: str, folder: str) -> None:
    """Athena does not read it: the run before would answer as the newest one."""
    for run_id in ("20261111T060000Z", "20261112T060000Z"):
        write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    dates = tmp_path / "lake" / table
    (dates / "run_date=2026-11-12").rename(dates / folder)

    with pytest.raises(LakeError, match="is not the folder of a date, run_date=YYYY-MM-DD") as refused:
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW)
    assert f"/{folder} is" in str(refused.value)


@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_that_only_athena_would_read_is_refused(tmp_path: Path, *, is_link: bool) -> None:
    """Athena reads the folders of a date too: left out here, the newest run would be the one before."""
    for run_id in ("20261111T060000Z", "20261112T060000Z"):
        write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    for key in (coverage_key, snapshot_key):
        published = tmp_path / key("20261112T060000Z")
        moved = (tmp_path if is_link else published.parent) / key.__name__ / published.name
        moved.parent.mkdir()
        published.rename(moved)
        if is_link:
            (published.parent / "moved").symlink_to(moved.parent)

    with pytest.raises(LakeError, match="is not the file of a run"):
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW)


@pytest.mark.parametrize("table", ["coverage", "patch_states"])
@pytest.mark.parametrize("is_link", [False, True])
def test_dates_outside_the_folder_of_a_table_are_not_its_rows(tmp_path: Path, table: str, *, is_link: bool) -> None:
    """Athena does not read them: a copy for safety is not a second run, nor is a link that leads back."""
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    folder = tmp_path / "lake" / table
    if is_link:
        (folder / "backup").symlink_to(folder)
    else:
        copytree(folder, tmp_path / "copy")
        (tmp_path / "copy").rename(folder / "backup")
    lake = open_lake(LakeLocation(str(tmp_path)), now=story.NOW)

    assert lake.query(f"SELECT count(*) FROM {table}").rows == [(1,)]  # noqa: S608
    assert lake.query("SELECT run_id FROM latest_run").rows == [(run_id,)]


@pytest.mark.parametrize("run_id", ["20261112T070000Z", "20261111T060000Z"])
def test_a_run_whose_files_were_copied_under_the_name_of_another_run_is_not_published(
    tmp_path: Path, run_id: str
) -> None:
    """In the folder of its own date its rows count twice, in that of another date it is there twice."""
    own = "20261112T060000Z"
    write_run(tmp_path, own, [listed(1)], [collected(own, 1)])
    for key in (coverage_key, snapshot_key):
        copy = tmp_path / key(run_id)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((tmp_path / key(own)).read_bytes())
    lake = open_lake(LakeLocation(str(tmp_path)), now=story.NOW)

    rows = lake.query("SELECT run_date, is_published, is_latest, is_last_of_date FROM runs ORDER BY run_date").rows
    [(nodes,)] = lake.query("SELECT coalesce(sum(nodes_listed), 0) FROM compliance_overall").rows

    copy_of_date = ("2026-11-11", False, False, False)
    assert rows == (
        [("2026-11-12", False, False, False)] if run_id > own else [copy_of_date, ("2026-11-12", True, True, True)]
    )
    assert nodes == (0 if run_id > own else 1)


def test_a_key_that_a_store_lists_twice_is_one_file() -> None:
    path = "lake/coverage/run_date=2026-11-12/20261112T060000Z.parquet"

    assert files._files([path, path], "lake/coverage/") == [("2026-11-12", path)]  # noqa: SLF001


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


def test_files_outside_the_folders_of_dates_are_left_alone(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    (tmp_path / "lake" / "coverage" / "notes.txt").write_text("not a table")
    (tmp_path / "lake" / "coverage" / "old.parquet").write_text("not in a partition")

    assert open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT run_date FROM coverage").rows == [
        ("2026-11-12",)
    ]


WAIVERS = 'instance_id,reason\ni-0000000000000000a,"end of life, in May"\n'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_file_is_one_more_table_of_text(lake: Lake, story_folder: Path, end: str) -> None:
    own = open_lake(LakeLocation(str(story_folder)), now=story.NOW)
    own.add_csv("waivers", WAIVERS.replace("\n", end))

    assert own.query("SELECT * FROM waivers").rows == [("i-0000000000000000a", "end of life, in May")]
    assert own.describe("waivers") == {"instance_id": "varchar", "reason": "varchar"}
    with pytest.raises(QueryError, match="no table or view"):
        lake.query("SELECT * FROM waivers")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("runs", WAIVERS, "table 'runs' already exists"),
        ("patch_states", WAIVERS, "table 'patch_states' already exists"),
        ("waivers", "", "the first line must name each column once"),
        ("waivers", "a,a\n", "the first line must name each column once"),
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
