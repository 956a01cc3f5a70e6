"""The files of a lake: where they are found, and what is refused so that no run is missing or counted twice."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import copytree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from patchlake.core.keys import coverage_key, snapshot_key
from patchlake.sources.patch_states import PATCH_STATES
from patchlake_cli.lake import files
from patchlake_cli.lake.engine import open_lake
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.location import LakeLocation
from tests.analytics import story
from tests.analytics.synthetic import collected, listed, write_run


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

    with pytest.raises(LakeError, match=rf"the lake cannot be read: .*{run_id}\.parquet") as refused:
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT * FROM patch_states")
    assert not re.search(r"Traceback|Python|\.py\b|\n", str(refused.value))


def test_a_damaged_page_is_named_in_one_line(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    file = tmp_path / snapshot_key(run_id)
    file.write_bytes(b"PAR1" + b"\xff" * 30 + file.read_bytes()[34:])

    with pytest.raises(LakeError, match=rf"^the lake cannot be read: .*{run_id}\.parquet.*$") as refused:
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT * FROM patch_states")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("key", "column", "sql"),
    [
        (snapshot_key, "instance_id", "SELECT instance_id FROM patch_states"),
        (snapshot_key, "instance_id", "SELECT upper(instance_id) FROM patch_states"),
        (coverage_key, "account_name", "SELECT run_id FROM latest_run"),
    ],
)
def test_a_text_that_is_not_utf_8_is_named_by_its_file_and_column(
    tmp_path: Path, key: Callable[[str], str], column: str, sql: str
) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    file = tmp_path / key(run_id)
    whole = pq.read_table(file, partitioning=None)
    texts = pa.array([b"\xff"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 1, texts.buffers())
    pq.write_table(whole.set_column(whole.column_names.index(column), column, broken), file)

    with pytest.raises(LakeError) as refused:
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query(sql)

    assert str(refused.value).startswith(
        f"the lake cannot be read: {file}: column {column} has a text that is not UTF-8; restore a copy or an earlier"
    )


@pytest.mark.parametrize("content", [b"", b"PAR1, not", b"PAR1" + b"\xff" * 30])
def test_what_to_do_about_a_damaged_file_is_said(tmp_path: Path, content: bytes) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    file = tmp_path / snapshot_key(run_id)
    file.write_bytes(content + file.read_bytes()[len(content) :] if len(content) > 30 else content)

    with pytest.raises(
        LakeError,
        match=r"[^.]; restore a copy or an earlier version of it$",
    ):
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT * FROM patch_states")


def test_a_file_with_a_column_of_another_type_is_damaged(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    file = tmp_path / snapshot_key(run_id)
    whole = pq.read_table(file, partitioning=None)
    other = pa.array(["many"], pa.string())
    pq.write_table(whole.set_column(whole.column_names.index("missing_count"), "missing_count", other), file)

    with pytest.raises(LakeError, match=rf"cannot be read: .*{file}.*; restore a copy or an earlier version of it$"):
        open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT * FROM patch_states")


def test_a_file_that_cannot_be_opened_is_not_damaged(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    lake = open_lake(LakeLocation(str(tmp_path)), now=story.NOW)
    lake.query("SELECT * FROM patch_states")
    file = tmp_path / snapshot_key(run_id)
    file.unlink()

    with pytest.raises(LakeError) as refused:
        lake.query("SELECT * FROM patch_states")
    expected = f"the lake cannot be read: {file}: No such file or directory; check that you may read the file"
    assert str(refused.value) == expected


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

    with pytest.raises(LakeError, match=rf"^the lake cannot be read: .*{path.name}.*; restore a copy") as cut:
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
def test_a_run_whose_files_were_copied_under_the_name_of_another_run_does_not_count_twice(
    tmp_path: Path, run_id: str
) -> None:
    """In the folder of its own date it is not published, in that of another date its rows are those of no run."""
    own = "20261112T060000Z"
    write_run(tmp_path, own, [listed(1)], [collected(own, 1)])
    for key in (coverage_key, snapshot_key):
        copy = tmp_path / key(run_id)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((tmp_path / key(own)).read_bytes())
    lake = open_lake(LakeLocation(str(tmp_path)), now=story.NOW)

    rows = lake.query("SELECT run_date, is_published, is_latest, is_last_of_date FROM runs ORDER BY run_date").rows
    [(nodes,)] = lake.query("SELECT coalesce(sum(nodes_listed), 0) FROM compliance_overall").rows

    assert rows == [("2026-11-12", *[run_id < own] * 3)]
    assert nodes == (0 if run_id > own else 1)


def test_a_key_that_a_store_lists_twice_is_one_file() -> None:
    path = "lake/coverage/run_date=2026-11-12/20261112T060000Z.parquet"

    assert files._files([path, path], "lake/coverage/") == [("2026-11-12", path)]  # noqa: SLF001


def test_files_outside_the_folders_of_dates_are_left_alone(tmp_path: Path) -> None:
    run_id = "20261112T060000Z"
    write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    (tmp_path / "lake" / "coverage" / "notes.txt").write_text("not a table")
    (tmp_path / "lake" / "coverage" / "old.parquet").write_text("not in a partition")

    assert open_lake(LakeLocation(str(tmp_path)), now=story.NOW).query("SELECT run_date FROM coverage").rows == [
        ("2026-11-12",)
    ]
