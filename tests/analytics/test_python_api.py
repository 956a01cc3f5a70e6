"""The examples of docs/python.md, and what a program gets from a lake."""

import os
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from patchlake_cli import api
from patchlake_cli.api import Answer, LakeError, QueryError, open_lake
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.location import MARKER
from patchlake_cli.lake.parameters import ParameterType
from patchlake_cli.lake.statements import queries, views
from tests.analytics.story import NOW, R5
from tests.snippets import DOCS, print_from, snippet

HEADINGS = re.findall(r"^## (.*)$", (DOCS / "python.md").read_text("utf-8"), re.MULTILINE)
OF_OTHER_PACKAGES = {"pandas"}
"""The examples that tests/e2e runs."""


@pytest.fixture(scope="module")
def folder(story_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of the story as one of a demo."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    folder.mkdir()
    (folder / "lake").symlink_to(story_folder / "lake")
    (folder / MARKER).touch()
    return folder


def ask(folder: Path, sql: str, *values: object) -> Answer:
    return open_lake(folder, as_of=NOW.date()).sql(sql, *values)


@pytest.mark.parametrize("heading", [heading for heading in HEADINGS if heading not in OF_OTHER_PACKAGES])
def test_an_example_of_the_page_runs(heading: str, folder: Path, tmp_path: Path) -> None:
    printed = print_from(sys.executable, snippet("python.md", heading), folder, tmp_path)

    assert printed.strip()


def test_threads_that_share_a_lake_get_the_answers_of_one(folder: Path) -> None:
    names = ("compliance_by_account", "patch_age", "patches_overview", "compliance_by_target") * 2
    expected = [open_lake(folder, as_of=NOW.date()).view(name).arrow for name in names]
    shared = open_lake(folder, as_of=NOW.date())

    with ThreadPoolExecutor(len(names)) as pool:
        answered = [answer.arrow for answer in pool.map(shared.view, names)]

    assert [sorted(map(str, one.to_pylist())) for one in answered] == [
        sorted(map(str, one.to_pylist())) for one in expected
    ]


def test_a_map_has_its_own_keys_and_no_others(folder: Path) -> None:
    sql = "SELECT m FROM UNNEST(ARRAY[map(ARRAY['a'], ARRAY[1]), map(ARRAY['b'], ARRAY[2])]) AS t (m)"

    assert ask(folder, sql).rows == [{"m": {"a": 1}}, {"m": {"b": 2}}]
    assert ask(folder, sql).to_polars().to_dicts() == [{"m": {"a": 1}}, {"m": {"b": 2}}]


def test_a_view_has_the_rows_that_the_command_prints(lake: Lake, story_folder: Path) -> None:
    opened = open_lake(story_folder, as_of=NOW.date())
    expected = lake.query("SELECT * FROM compliance_by_account ORDER BY account_id")

    answer = opened.view("compliance_by_account")

    rows = sorted(answer.rows, key=lambda row: str(row["account_id"]))
    accounts = expected.columns.index("account_id")
    assert [row["account_id"] for row in rows] == [row[accounts] for row in expected.rows]
    assert tuple(answer.arrow.column_names) == expected.columns
    assert opened.views == [view.name for view in views()]


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.name)
def test_every_named_query_is_answered_by_the_names_of_its_parameters(query: object, story_folder: Path) -> None:
    opened = open_lake(story_folder, as_of=NOW.date())
    [name, parameters] = [getattr(query, each) for each in ("name", "parameters")]
    given = {each.name: "2026-11-05" if each.type is ParameterType.DATE else each.example for each in parameters}

    answer = opened.named(name, **given)

    assert any(R5 in gap for gap in answer.gaps)
    assert {row["run_id"] for row in answer.rows} <= {R5}


def test_what_is_not_known_is_none_and_never_zero(story_folder: Path) -> None:
    answer = ask(story_folder, "SELECT CAST(NULL AS integer) AS nodes, 0 AS zero")

    assert answer.rows == [{"nodes": None, "zero": 0}]
    frame = answer.to_polars()
    assert (frame["nodes"].to_list(), frame["nodes"].dtype) == ([None], pl.Int32())


def test_a_value_is_a_text_and_never_sql(story_folder: Path) -> None:
    assert ask(story_folder, "SELECT ? AS a, ? AS b", "x' OR '1'='1", "k=v").rows == [{"a": "x' OR '1'='1", "b": "k=v"}]


def test_gaps_and_notes_are_those_of_the_command(story_folder: Path) -> None:
    of_lake = ask(story_folder, "SELECT run_id FROM latest_run")
    of_nothing = ask(story_folder, "SELECT 1 AS one")

    assert [gap for gap in of_lake.gaps if f"run {R5} is PARTIAL: 3 of 4 targets read" in gap]
    assert [note for note in of_lake.notes if "does not plan 2 targets" in note]
    assert (of_nothing.gaps, of_nothing.notes) == ((), ())


def test_a_day_of_the_past_can_be_opened(story_folder: Path) -> None:
    [row] = open_lake(str(story_folder), as_of=date(2026, 11, 1)).view("latest_run").rows

    assert row["run_date"] == "2026-11-01"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("ftp://x", "the location of a lake is 'ftp://x': expected a folder"),
        ("/nowhere", "/nowhere does not exist"),
        ("x" * 300, f"{'x' * 300}/.patchlake-demo cannot be opened: File name too long"),
        ("a\x00b", "the location of a lake is 'a\\x00b': expected a folder"),
        ("\ud800", "the location of a lake is '\\ud800': expected a folder"),
    ],
)
def test_a_lake_that_is_none_is_an_error_of_the_lake(location: str, expected: str) -> None:
    with pytest.raises(LakeError, match=re.escape(expected)):
        open_lake(location)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_CONFIG_FILE", "{here}/pipe"), ("AWS_ENDPOINT_URL_S3", "ftp://x"), ("AWS_PROFILE", "no-such-profile")],
)
def test_a_setting_of_aws_that_cannot_be_used_is_an_error_of_the_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv(variable, value.format(here=tmp_path))

    with pytest.raises(LakeError, match=r"^s3://lake cannot be opened: "):
        open_lake("s3://lake")


@pytest.mark.parametrize(
    ("ask_wrongly", "expected"),
    [
        (lambda lake: lake.view("nope"), 'there is no table or view "nope"'),
        (lambda lake: lake.view('runs" --'), "there is no table or view"),
        (lambda lake: lake.named("changess"), 'did you mean "changes"?'),
        (lambda lake: lake.named("overdue_nodes"), "expected the parameter of overdue_nodes"),
        (lambda lake: lake.named("overdue_nodes", day=3), "'day=3': expected the parameter"),
        (lambda lake: lake.named("overdue_nodes", days=-1), "expected a whole number of days"),
        (lambda lake: lake.sql("DROP TABLE runs"), "SELECT"),
        (lambda lake: lake.sql("SELECT ?"), "expected the parameter"),
    ],
)
def test_a_wrong_question_is_an_error_of_the_query_and_not_of_a_command_line(
    story_folder: Path, ask_wrongly: Callable[[api.Lake], Answer], expected: str
) -> None:
    with pytest.raises(QueryError, match=re.escape(expected)):
        ask_wrongly(open_lake(story_folder))


@pytest.mark.parametrize("days", [0, -1, 36_501, 2.5, "7", True, None])
def test_a_number_of_days_that_is_none_is_refused(folder: Path, days: object) -> None:
    with pytest.raises(QueryError, match=r"history_days is .*: expected a whole number from 1 to 36500"):
        open_lake(folder, history_days=days)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        ("", "''"),
        (5, "5"),
        (b"policy", "b'policy'"),
        ("s3://a:secret@x/y", "'s3://…@x/y'"),
        ("\ud800", r"'\\ud800'"),
        (Path("a\0b"), r"'a\\x00b'"),
    ],
)
def test_what_is_no_folder_is_no_policy(folder: Path, policy: object, shown: str) -> None:
    with pytest.raises(QueryError, match=rf"^policy is {shown}: expected a folder$"):
        open_lake(folder, policy=policy)  # type: ignore[arg-type]


def test_a_policy_of_a_name_that_no_folder_has_is_an_error_of_the_lake(folder: Path) -> None:
    with pytest.raises(LakeError, match="cannot be opened: File name too long"):
        open_lake(folder, policy="x" * 300)


@pytest.mark.parametrize(
    "ask_with",
    [
        lambda lake, number: lake.sql("SELECT ? AS text", number),
        lambda lake, number: lake.sql(number),
        lambda lake, number: lake.sql("SELECT ? AS text", [number]),
        lambda lake, number: lake.view(number),
        lambda lake, number: lake.named(number),
        lambda lake, number: lake.named("overdue_nodes", days=number),
    ],
    ids=["value", "select", "list", "view", "query", "parameter"],
)
def test_an_integer_of_thousands_of_digits_is_refused(
    folder: Path, ask_with: Callable[[api.Lake, object], Answer]
) -> None:
    with pytest.raises(QueryError, match=r"and too long to show: expected (text|fewer digits)"):
        ask_with(open_lake(folder), 10**5000)


@pytest.mark.parametrize("option", ["window_days", "scan_max_age_days", "history_days", "as_of"])
def test_an_integer_of_thousands_of_digits_is_no_option(folder: Path, option: str) -> None:
    with pytest.raises(QueryError, match=rf"^{option} is of type int, and too long to show: expected"):
        open_lake(folder, **{option: 10**5000})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, b"eu-central-1", ["eu-central-1"], {"a": 1}, float("nan"), Decimal("nan"), Decimal("sNaN")),
        datetime(2026, 11, 1, tzinfo=UTC),
    ],
)
def test_what_is_no_text_is_no_value_of_a_parameter(folder: Path, value: object) -> None:
    with pytest.raises(QueryError, match="expected text, a number or a date"):
        ask(folder, "SELECT ? AS text", value)


@pytest.mark.parametrize("value", [None, 5, b"runs", ["runs"], date(2026, 11, 1)])
@pytest.mark.parametrize(
    ("asked", "what"),
    [(api.Lake.view, "name of a view"), (api.Lake.named, "name of a query"), (api.Lake.sql, "SELECT")],
)
def test_a_question_is_a_text(
    story_folder: Path, asked: Callable[[api.Lake, object], Answer], what: str, value: object
) -> None:
    with pytest.raises(QueryError, match=f"the {what} is .*: expected text"):
        asked(open_lake(story_folder), value)


def test_a_profile_for_a_folder_is_refused(story_folder: Path) -> None:
    with pytest.raises(QueryError, match="profile is 'audit', which has no effect with a lake in a folder"):
        open_lake(story_folder, profile="audit")


def test_a_day_in_the_future_is_refused(story_folder: Path) -> None:
    today = datetime.now(UTC).date()

    with pytest.raises(QueryError, match=rf"as_of is {today + timedelta(1)}: expected a UTC date up to {today}$"):
        open_lake(story_folder, as_of=today + timedelta(1))


@pytest.mark.parametrize("as_of", ["2026-11-01", datetime(2026, 11, 1, 5, tzinfo=UTC), 20261101, 0, ""])
def test_a_day_that_is_no_date_is_refused(story_folder: Path, as_of: object) -> None:
    with pytest.raises(QueryError, match=r"as_of is .*: expected a date, such as datetime\.date\(2026, 11, 1\)"):
        open_lake(story_folder, as_of=as_of)  # type: ignore[arg-type]
