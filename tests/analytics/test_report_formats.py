"""The report as Markdown and as JSON: what is not known comes before any percentage, and no name breaks out."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from typer.testing import CliRunner

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.statements import Settings
from patchlake_cli.markdown_text import code
from patchlake_cli.report.document import render_json
from patchlake_cli.report.figures import Figures, Unread
from patchlake_cli.report.headline import week_before
from patchlake_cli.report.markdown import ROWS_SHOWN, render_markdown
from patchlake_cli.report.node_figures import Day
from patchlake_cli.report.reading import read_figures
from patchlake_cli.report.renderers import RENDERERS
from patchlake_cli.report.report_format import ReportFormat
from patchlake_cli.visible_text import visible
from tests.analytics.story import R5
from tests.analytics.test_report_command import app
from tests.analytics.test_report_command import run as run_report
from tests.report_figures import HOSTILE, empty_figures, hostile_figures


@pytest.fixture(scope="module")
def figures(lake: Lake) -> Figures:
    return read_figures(lake)


def tokens(text: str) -> Iterator[Token]:
    """Yield every token of a Markdown text, as GitHub would read it."""
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        yield token
        yield from token.children or ()


@pytest.mark.parametrize(
    ("report_format", "gaps"), [(ReportFormat.MARKDOWN, "\n## What is not known\n"), (ReportFormat.JSON, '"not_known"')]
)
def test_what_is_not_known_comes_before_any_percentage(
    figures: Figures, report_format: ReportFormat, gaps: str
) -> None:
    text = RENDERERS[report_format](figures)
    percentage = re.search(r"percent|%", text)

    assert percentage is not None
    assert text.index(gaps) < percentage.start()


def test_a_name_that_other_people_chose_is_shown_and_opens_nothing_in_markdown() -> None:
    text = render_markdown(hostile_figures())
    found = list(tokens(text))
    spans = {token.content for token in found if token.type == "code_inline"}

    assert {token.type for token in found} & {
        "link_open",
        "image",
        "html_inline",
        "html_block",
        "fence",
        "code_block",
    } == set()
    assert {visible(name).replace("|", r"\u007c") for name in HOSTILE} <= spans
    assert all(line.isprintable() for line in text.splitlines())


def test_every_row_of_a_markdown_table_has_the_cells_of_its_head() -> None:
    rows, head = [], 0
    for token in tokens(render_markdown(hostile_figures())):
        match token.type:
            case "thead_open":
                head = 0
            case "th_open":
                head += 1
            case "tr_open":
                rows.append([0, head])
            case "td_open":
                rows[-1][0] += 1

    cells = [(cells, head) for cells, head in rows if cells]
    assert len(cells) > len(HOSTILE)
    assert [pair for pair in cells if pair[0] != pair[1]] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("i-0", "`i-0`"),
        (None, "-"),
        (" ", "-"),
        ("a`b", "`` a`b ``"),
        ("``", "``` `` ```"),
        ("a|b", r"`a\u007cb`"),
        ("a\nb", r"`a\u000ab`"),
        (" a", "`  a `"),
    ],
)
def test_a_text_is_a_code_span_that_nothing_in_it_can_end(text: str | None, shown: str) -> None:
    assert code(text) == shown


def test_markdown_says_how_many_rows_it_leaves_out() -> None:
    text = render_markdown(hostile_figures())

    assert f"The first {ROWS_SHOWN} of 4,000. For all of them: `patchlake query --lake … " in text


def test_markdown_of_a_run_that_read_everything_says_so() -> None:
    hostile = hostile_figures()
    assert hostile.details is not None
    nothing = Unread(0, None, None, 0)
    details = replace(
        hostile.details,
        unread=nothing,
        not_planned=nothing,
        unread_targets=[],
        unknown_nodes=[],
        not_compared=0,
        patches=replace(hostile.details.patches, gaps=[]),
        fleet=replace(hostile.details.fleet, instances_not_managed=3),
    )
    run = replace(
        hostile.run,
        run_status="COMPLETE",
        rows_without_id=0,
        patches_status="COMPLETE",
        instances_status="COMPLETE",
        tags_status="COMPLETE",
    )
    whole = replace(hostile, details=details, run=run)

    assert "\nThis run read everything that it was asked to read.\n" in render_markdown(whole)
    assert "This run read everything that it was asked to read." not in render_markdown(hostile)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("tags",), "tags"),
        (("patches", "tags"), "patches or tags"),
        (("patches", "instances", "tags"), "patches, instances or tags"),
    ],
)
def test_the_tables_that_a_run_was_not_set_to_read_are_one_list(names: tuple[str, ...], said: str) -> None:
    hostile = hostile_figures()
    patches, instances, tags = (
        "NOT_ASKED" if name in names else "COMPLETE" for name in ("patches", "instances", "tags")
    )
    run = replace(hostile.run, patches_status=patches, instances_status=instances, tags_status=tags)

    assert f"- This run was not set to read {said}.\n" in render_markdown(replace(hostile, run=run))


def test_a_window_without_a_snapshot_knows_nothing_in_any_format() -> None:
    document = json.loads(render_json(empty_figures()))

    assert document["run"]["run_status"] == "NO_SNAPSHOT"
    assert "fleet" not in document
    assert "**No snapshot**, so the state of the fleet is unknown." in render_markdown(empty_figures())
    assert "%" not in render_markdown(empty_figures())


def test_json_has_every_figure_and_null_for_what_is_not_known(figures: Figures) -> None:
    document = json.loads(render_json(figures))

    assert figures.details is not None
    assert document["run"]["run_id"] == R5
    assert document["run"]["run_at"] == "2026-11-12T06:00:00Z"
    assert document["fleet"]["fleet_compliant_percent"] is None
    assert document["not_known"]["unread"]["targets"] == 1
    assert [account["account_id"] for account in document["accounts"]["rows"]] == [
        account.account_id for account in figures.details.accounts.rows
    ]


@pytest.mark.parametrize(
    ("report_format", "said"),
    [(ReportFormat.JSON, '"history_days": 40,'), (ReportFormat.HTML, "of the last 40 days in")],
)
def test_the_history_is_told_as_long_as_it_is(report_format: ReportFormat, said: str) -> None:
    figures = replace(hostile_figures(), settings=Settings(window_days=40, history_days=10))

    assert said in RENDERERS[report_format](figures)


def test_json_names_the_cves_of_each_patch() -> None:
    rows = json.loads(render_json(hostile_figures()))["patches"]["worst"]["rows"]

    assert [row["cve_ids"] for row in rows] == [[f"CVE-2026-{n:04}", name] for n, name in enumerate(HOSTILE)]


@pytest.mark.parametrize("report_format", ReportFormat)
def test_the_same_figures_give_the_same_text(figures: Figures, report_format: ReportFormat) -> None:
    assert RENDERERS[report_format](figures) == RENDERERS[report_format](figures)


@pytest.mark.parametrize(
    ("report_format", "name"), [("html", "report.html"), ("markdown", "report.md"), ("json", "report.json")]
)
def test_a_report_is_written_in_each_format_to_a_file_of_its_name(
    story_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report_format: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)

    result = run_report(story_folder, "--format", report_format)

    assert result.stdout.endswith(f"\nReport: {name}\n")
    assert R5 in (tmp_path / name).read_text(encoding="utf-8")


def test_a_hyphen_prints_the_report_and_nothing_else(
    story_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = run_report(story_folder, "--format", "json", "--out", "-")

    assert json.loads(result.stdout)["run"]["run_id"] == R5
    assert list(tmp_path.iterdir()) == []


def test_the_short_options_of_query_are_those_of_report(story_folder: Path, tmp_path: Path) -> None:
    run_report(story_folder, "-f", "json", "-o", tmp_path / "short.json")
    run_report(story_folder, "--format", "json", "--out", tmp_path / "long.json")

    assert (tmp_path / "short.json").read_bytes() == (tmp_path / "long.json").read_bytes()


def test_a_printed_report_leaves_no_place_for_the_summary(story_folder: Path) -> None:
    result = CliRunner().invoke(app, ["--lake", str(story_folder), "--out", "-", "--json"])

    assert result.exit_code == 2
    assert "--json has no effect with --out -: leave one of them out" in result.output


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ([], "There is no run from a week ago or earlier to compare with."),
        ([("2026-11-01", "COMPLETE")], "There is no run from a week ago or earlier to compare with."),
        (
            [("2026-10-26", "COMPLETE"), ("2026-11-01", "COMPLETE")],
            "There is no run from a week ago or earlier to compare with.",
        ),
        (
            [("2026-10-20", "COMPLETE"), ("2026-10-25", "COMPLETE"), ("2026-11-01", "PARTIAL")],
            "A week earlier, on 2026-10-25, the run was COMPLETE: 60.0 % compliant.",
        ),
        (
            [("2026-10-20", "PARTIAL"), ("2026-10-27", "COMPLETE"), ("2026-11-01", "PARTIAL")],
            (
                "12 days earlier, on 2026-10-20, the run was PARTIAL: at least 50.0 % compliant (60.0 % of the listed "
                "nodes)."
            ),
        ),
    ],
)
def test_the_percentage_is_compared_with_that_of_a_week_before(days: list[tuple[str, str]], sentence: str) -> None:
    trend = [
        Day(10, 6, 4, 0, 60.0, 60.0 if status == "COMPLETE" else 50.0, day, f"{day}-run", status, "read")
        for day, status in days
    ]

    assert week_before(trend) == sentence


def test_a_title_is_in_every_format(story_folder: Path) -> None:
    markdown = run_report(story_folder, "--title", "Example & Co", "--format", "markdown", "--out", "-").stdout
    document = run_report(story_folder, "--title", "Example & Co", "--format", "json", "--out", "-").stdout

    assert markdown.startswith("# Patch compliance of `Example & Co`, 2026-11-12\n")
    assert json.loads(document)["title"] == "Example & Co"
