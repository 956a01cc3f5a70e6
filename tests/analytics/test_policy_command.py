"""``--policy`` of the commands: the lines that ``check`` finds, and the exit code of an answer by a bad policy."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from patchlake.core.run import run_at
from patchlake_cli.commands.check import check
from patchlake_cli.commands.query import query
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.files import find_policy, no_files
from patchlake_cli.lake.statements import Settings
from patchlake_cli.option_values import OptionError
from tests.analytics.patch_story import covered
from tests.analytics.policy_files import EXCEPTIONS, SLA, write_file, write_policy
from tests.analytics.synthetic import collected, patch, tag, write_run
from tests.world import HOME

RUN = "20261121T060000Z"
EXCEPTION = f"{HOME},,,,,,why,me,2026-11-01,2026-12-31"


def called(command: object, *arguments: str | Path) -> Result:
    """Call a command; the result's value is what it returned."""
    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var]
    return CliRunner().invoke(app, list(map(str, arguments)), standalone_mode=False)


def checked(folder: Path, *options: str) -> Result:
    return called(check, "--policy", folder, *options)


def test_a_good_policy_passes(tmp_path: Path) -> None:
    result = checked(write_policy(tmp_path, sla=("Critical,,,7",), exceptions=(EXCEPTION,)))

    assert (result.return_value, result.stdout) == (ExitCode.COMPLETE, "Every row of the policy can be used.\n")


@pytest.mark.parametrize("has_header", [False, True])
def test_a_policy_without_a_row_is_no_policy_whose_rows_are_good(tmp_path: Path, has_header: bool) -> None:  # noqa: FBT001
    (tmp_path / "sla").mkdir()
    if has_header:
        write_policy(tmp_path, sla=(), exceptions=())

    result = checked(tmp_path)

    no_row = "The policy has no rows: the built-in deadlines apply, and there are no exceptions.\n"
    assert (result.return_value, result.stdout) == (ExitCode.COMPLETE, no_row)
    assert json.loads(checked(tmp_path, "--json").stdout) == {"policy": str(tmp_path), "rows": 0, "findings": []}


def test_the_name_of_a_file_is_shown_on_one_line_without_control_sequences(tmp_path: Path) -> None:
    write_file(tmp_path, "sla/a\nb\x1b[31m.csv", "no header")

    assert checked(tmp_path).stdout.startswith("sla/a\\u000ab\\u001b[31m.csv:1: the file has no header: expected")


def test_each_bad_line_is_named_with_its_file_and_number(tmp_path: Path) -> None:
    write_policy(tmp_path, sla=("Critical,,,7", "High,,,3", 'Low,,,"9', "Low,,,9", "High,,,3"), exceptions=("x,,,",))
    write_file(tmp_path, "sla/_old.csv", "no header")
    write_file(tmp_path, "sla/empty.csv")
    write_file(tmp_path, "sla/team/more.csv", "severity,tag_key", "\ufeffLow,,,9")
    write_file(tmp_path, "deadlines.csv")
    write_file(tmp_path, "exception/2026.csv", EXCEPTION)

    result = checked(tmp_path)

    places = [line.split(": ")[0] for line in result.stdout.splitlines()]
    assert result.return_value == ExitCode.PARTIAL
    assert places == [
        "deadlines.csv",
        "exception",
        "exceptions/all.csv:2",
        "sla/_old.csv",
        "sla/all.csv:3",
        "sla/all.csv:4",
        "sla/all.csv:6",
        "sla/empty.csv",
        "sla/team/more.csv:1",
        "sla/team/more.csv:2",
        "10 problems.",
    ]
    assert "sla/all.csv:3: severity is High: expected Critical, Important, Medium, Moderate or Low, or nothing" in (
        result.stdout.splitlines()
    )


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"severity,tag_key,tag_value,days\nLow,,,9\n"), "severity,tag_key,tag_value,days".encode("utf-16")],
    ids=["gzip", "UTF-16"],
)
def test_a_file_that_is_no_text_is_one_problem_and_not_one_for_each_line(tmp_path: Path, content: bytes) -> None:
    write_policy(tmp_path)
    (tmp_path / "sla" / "more.csv").write_bytes(content)

    result = checked(tmp_path)

    assert result.return_value == ExitCode.PARTIAL
    assert result.stdout.splitlines() == [
        "sla/more.csv: it is compressed, or not in UTF-8: expected a CSV file in UTF-8, not compressed",
        "1 problem.",
    ]


COMPRESSED = (".gz", ".bz2", ".deflate", ".lz4", ".lzo", ".lzo_deflate", ".snappy", ".zst", ".GZ")


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_a_file_that_athena_decompresses_for_its_name_is_refused_whatever_is_in_it(tmp_path: Path, suffix: str) -> None:
    policy = write_policy(tmp_path, sla=("Critical,,,7",))
    (tmp_path / "sla" / "all.csv").rename(tmp_path / "sla" / f"all.csv{suffix}")

    result = checked(policy)

    assert result.return_value == ExitCode.PARTIAL
    assert result.stdout.splitlines() == [
        f"sla/all.csv{suffix}: Athena decompresses the file: expected a CSV file whose name does not end in {suffix}",
        "1 problem.",
    ]
    with pytest.raises(LakeError) as refused:
        Lake(no_files(), run_at(RUN), Settings(), find_policy(policy)).query("SELECT * FROM sla_rows")
    assert str(refused.value) == (
        f"the policy cannot be read: {policy}/sla/all.csv{suffix}: Athena decompresses the file: "
        f"expected a CSV file whose name does not end in {suffix}"
    )


def test_the_findings_are_printed_as_json(tmp_path: Path) -> None:
    result = checked(write_policy(tmp_path, sla=("Critical,,,x: expected ",)), "--json")

    assert json.loads(result.stdout) == {
        "policy": str(tmp_path),
        "rows": 1,
        "findings": [
            {
                "file": "sla/all.csv",
                "line": 2,
                "problem": "days is x: expected ",
                "expected": "a whole number from 0 to 9999",
            }
        ],
    }


@pytest.mark.parametrize(
    ("options", "found"), [((), True), (("--history-days", "364"), True), (("--history-days", "365"), False)]
)
def test_a_deadline_longer_than_the_history_is_refused(tmp_path: Path, options: tuple[str, ...], found: bool) -> None:  # noqa: FBT001
    result = checked(write_policy(tmp_path, sla=("Critical,,,365",)), *options)

    assert (result.return_value == ExitCode.PARTIAL) is found
    assert ("sla/all.csv:2: days is 365: expected at most" in result.stdout) is found


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_a_folder_without_a_policy_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()

    result = checked(tmp_path / name)

    assert isinstance(result.exception, CommandError)
    assert "sla/ or exceptions/" in str(result.exception)


@pytest.mark.parametrize(
    "options", [("--policy", ".", "--stack", "s"), ("--policy", ".", "--accounts", "self"), ("--history-days", "9")]
)
def test_options_that_do_not_belong_together_are_refused(options: tuple[str, ...]) -> None:
    assert isinstance(called(check, *options).exception, OptionError)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    node = collected(RUN, 1, missing_count=1)
    write_run(tmp_path, RUN, [covered(1, "COMPLETE", 1)], [node], [patch(RUN, 1, "KB5001111", "Missing")])
    return tmp_path


def asked(lake: Path, sql: str, policy: Path) -> Result:
    return called(query, "--lake", lake, "--as-of", "2026-11-21", "--policy", policy, sql)


BREACHES = "SELECT count(*) AS breaches FROM sla_breaches"


@pytest.mark.parametrize(
    ("lines", "sql", "expected"),
    [
        (("Critical,,,7",), BREACHES, ""),
        (
            ("Critical,,,x", "Low,,,"),
            BREACHES,
            "2 rows of the policy are bad and cannot be used: policy_problems says why",
        ),
        (("Critical,Env,prod,7",), BREACHES, f"the tags of run {RUN} are NOT_ASKED: the run did not read this table"),
        (("Critical,,,x",), "SELECT count(*) AS lines FROM line_age", ""),
    ],
)
def test_an_answer_says_what_of_the_policy_it_could_not_use(
    lake: Path, tmp_path: Path, lines: tuple[str, ...], sql: str, expected: str
) -> None:
    result = asked(lake, sql, write_policy(tmp_path / "mine", sla=lines))

    assert result.return_value == (ExitCode.PARTIAL if expected else ExitCode.COMPLETE)
    assert result.stderr == (f"patchlake: {expected}.\n" if expected else "")


def test_a_deadline_beyond_the_history_is_a_note_and_no_gap(lake: Path, tmp_path: Path) -> None:
    policy = write_policy(tmp_path / "mine", sla=("Critical,,,365", "Low,,,500", "Medium,,,120"))

    result = asked(lake, BREACHES, policy)
    about_others = asked(lake, "SELECT count(*) AS lines FROM line_age", policy)

    assert result.return_value == about_others.return_value == ExitCode.COMPLETE
    assert result.stderr == (
        "patchlake: 2 deadlines of the policy are longer than 120 days: no age can be seen beyond the history "
        "(--history-days).\n"
    )
    assert about_others.stderr == ""


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("SLA/all.csv", True),
        ("sla.csv", True),
        ("sla/.all.csv", True),
        ("sla/old/_all.CSV", True),
        ("sla/team/more.csv", False),
        ("README.md", False),
        ("a/folder/of/others.csv", False),
    ],
)
def test_a_file_that_looks_like_a_part_of_the_policy_and_is_none_is_a_note(
    lake: Path, tmp_path: Path, name: str, *, named: bool
) -> None:
    policy = write_policy(tmp_path / "mine", sla=("Critical,,,7",))
    write_file(policy, name, SLA, "Low,,,9")

    result = asked(lake, BREACHES, policy)

    assert result.return_value == ExitCode.COMPLETE
    assert (
        f"not part of the policy: {policy / name}. Only files in sla/ and exceptions/ are" in result.stderr
    ) is named
    assert bool(result.stderr) is named


def test_several_such_files_are_counted(lake: Path, tmp_path: Path) -> None:
    policy = write_policy(tmp_path / "mine")
    for name in ("deadlines.csv", "old.csv", "sla/_draft.csv"):
        write_file(policy, name, SLA)

    assert f"{policy / 'deadlines.csv'} and 2 more." in asked(lake, BREACHES, policy).stderr


@pytest.mark.parametrize(("status", "unseen"), [("LISTED", True), ("THROTTLED", False)])
def test_a_tag_value_that_no_instance_has_is_a_note_where_all_tags_were_read(
    tmp_path: Path, status: str, *, unseen: bool
) -> None:
    covering = covered(1, "COMPLETE", 1, tags_status=status, tags_rows_without_id=0, tags_rows=1)
    rows = [patch(RUN, 1, "KB5001111", "Missing")]
    write_run(tmp_path, RUN, [covering], [collected(RUN, 1, missing_count=1)], rows, tags=[tag(1, "Env", "dév")])
    policy = write_policy(
        tmp_path / "mine",
        sla=(
            "Critical,Env,dév,7",
            "Low,Env,de\u0301v,7",
            "High,Env,,7",
            "Low,Env,prd,9",
            "Low,Env,prd,9",
            "Low,Env,a,9",
        ),
        exceptions=(f"{HOME},,Team,x,,,why,me,2026-11-01,2026-12-31",),
    )

    noted = "the policy names tags that no instance of the newest run has: Env=a, Env=de\u0301v, Env=prd and 1 more."
    assert (noted in asked(tmp_path, BREACHES, policy).stderr) is unseen


def test_two_byte_order_marks_are_no_header(tmp_path: Path) -> None:
    write_file(tmp_path, "sla/all.csv", f"\ufeff\ufeff{SLA}", "Low,,,9")

    result = checked(tmp_path)

    assert result.return_value == ExitCode.PARTIAL
    assert "sla/all.csv:1: the file has no header: expected one line severity,tag_key,tag_value,days" in result.stdout


@pytest.mark.parametrize("whose", ["--policy", "the lake's own"])
@pytest.mark.parametrize(
    ("links", "problem"),
    [
        ({"sla/again": "."}, "is a link to a folder that contains it"),
        ({"sla/up": "../.."}, "is a link to a folder that contains it"),
        ({"sla/there": "../exceptions", "exceptions/back": "../sla"}, "is a link to a folder that contains it"),
        ({"sla/itself.csv": "itself.csv"}, "is a broken link, or not a file"),
        ({"sla/nothing.csv": "nowhere"}, "is a broken link, or not a file"),
    ],
)
def test_links_that_lead_nowhere_or_back_are_refused(
    lake: Path, tmp_path: Path, links: dict[str, str], problem: str, whose: str
) -> None:
    folder = tmp_path / "mine" if whose == "--policy" else lake / "policy"
    write_policy(folder, sla=("Critical,,,7",), exceptions=(EXCEPTION,))
    for name, target in links.items():
        (folder / name).symlink_to(target)

    options = ("--policy", folder) if whose == "--policy" else ()
    result = called(query, "--lake", lake, "--as-of", "2026-11-21", *options, BREACHES)

    assert isinstance(result.exception, CommandError)
    assert problem in str(result.exception)


@pytest.mark.parametrize("whose", ["--policy", "the lake's own"])
def test_a_file_in_place_of_a_folder_of_the_policy_is_refused(lake: Path, tmp_path: Path, whose: str) -> None:
    folder = tmp_path / "mine" if whose == "--policy" else lake / "policy"
    write_file(folder, "exceptions/all.csv", EXCEPTIONS, EXCEPTION)
    write_file(folder, "sla", SLA, "Critical,,,7")

    options = ("--policy", folder) if whose == "--policy" else ()
    results = [
        called(query, "--lake", lake, "--as-of", "2026-11-21", *options, BREACHES),
        *([checked(folder)] if options else []),
    ]

    for result in results:
        assert isinstance(result.exception, CommandError)
        assert f"{folder / 'sla'} is a file: expected a folder with CSV files in it" in str(result.exception)


@pytest.mark.parametrize("is_link", [True, False])
def test_a_policy_of_a_lake_that_is_no_folder_is_refused(lake: Path, *, is_link: bool) -> None:
    policy = lake / "policy"
    if is_link:
        policy.symlink_to("nowhere")
    else:
        policy.touch()

    result = called(query, "--lake", lake, "--as-of", "2026-11-21", BREACHES)

    assert isinstance(result.exception, CommandError)
    assert f"{policy} is a broken link, or not a folder" in str(result.exception)


def test_a_cell_of_any_length_is_read(tmp_path: Path) -> None:
    long = "x" * 200_000
    good = f'{HOME},,,,,,"{long}, and ""more""",me,2026-11-01,2026-12-31'

    assert checked(write_policy(tmp_path / "good", exceptions=(good,))).return_value is ExitCode.COMPLETE
    assert checked(write_policy(tmp_path / "bad", sla=(f"{long},,,7",))).return_value is ExitCode.PARTIAL


def test_a_file_that_is_listed_and_not_found_is_named(tmp_path: Path) -> None:
    found = find_policy(write_policy(tmp_path, sla=("Critical,,,7",)))
    gone = f"{found.root}/sla/gone.csv"
    policy = replace(found, listed=lambda prefix: [*found.listed(prefix), gone])

    with pytest.raises(LakeError, match=f"the policy cannot be read: {gone}"):
        Lake(no_files(), run_at(RUN), Settings(), policy).query("SELECT * FROM sla_rows")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = write_policy(tmp_path, sla=("Critical,,,7",))
    (folder / "sla" / "linked.csv").symlink_to(tmp_path / "nothing")
    result = checked(folder)
    assert isinstance(result.exception, CommandError)
    assert "linked.csv is a broken link, or not a file" in str(result.exception)

    (folder / "sla" / "linked.csv").unlink()
    (folder / "sla" / "K\udcf6ln.csv").touch()
    result = checked(folder)
    assert isinstance(result.exception, CommandError)
    assert "is not UTF-8" in str(result.exception)
