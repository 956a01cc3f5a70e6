"""Text that others chose, on a terminal: no control sequence, no markup, no line that looks like another row."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from patchlake.core.statuses import CollectionStatus
from patchlake.core.targets import Target
from patchlake_cli.access.checks import TargetCheck
from patchlake_cli.access.sessions import Identity
from patchlake_cli.export.readiness import Readiness
from patchlake_cli.export.readiness_page import print_readiness
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.overview import AnsweredQuestion
from patchlake_cli.lake.runs import Run, RunStatus, TargetCoverage
from patchlake_cli.operations.checks_page import print_checks
from patchlake_cli.operations.failed_events import FailedEvent, Fate
from patchlake_cli.operations.findings import Checked, Finding, Verdict
from patchlake_cli.operations.manual_run_page import print_ended
from patchlake_cli.operations.redrive import Redriven, print_redriven
from patchlake_cli.operations.status import Status
from patchlake_cli.operations.status_page import status_page
from patchlake_cli.terminal.console import DataConsole, output_console
from patchlake_cli.terminal.progress import RunProgress
from patchlake_cli.terminal.run_summary import RunSummary, print_run
from patchlake_cli.terminal.tables import new_table
from patchlake_cli.visible_text import visible, visible_lines
from tests.world import HOME, RUN_ID

HOSTILE = "\x1b[2J\x1b]8;;https://example.com\x1b\\x\x9b31m[red]\u202e\x00:smile:"
SHOWN = r"\u001b[2J\u001b]8;;https://example.com\u001b\x\u009b31m[red]\u202e\u0000:smile:"
TWO_ROWS = "web\r\nCOMPLETE"
AT = datetime(2026, 11, 1, 6, tzinfo=UTC)
TARGET = TargetCoverage(HOME, HOSTILE, "eu-central-1", HOSTILE, HOSTILE, None, None)
RUN = Run(RUN_ID, AT, RunStatus.PARTIAL, 1, (TARGET,), dict.fromkeys(CollectionStatus, 0))
ANSWER = AnsweredQuestion("Worst patch groups", ("patch_group", "nodes"), [(HOSTILE, 1), (TWO_ROWS, 2)])
STYLE = re.compile(r"\x1b\[[0-9;]*m")
TEXTS = st.text() | st.text("\x1b[]m\x9b\u202e\n\r\t\u2028 :a31;\\")


def printed(show: Callable[[Console], object], **options: Any) -> str:  # noqa: ANN401  # those of Console
    screen = io.StringIO()
    show(DataConsole(file=screen, width=200, **options))
    return screen.getvalue()


def is_harmless(text: str) -> bool:
    return all(character.isprintable() or character == "\n" for character in text)


@given(TEXTS)
def test_a_visible_text_is_one_line_and_printable(text: str) -> None:
    assert visible(text).isprintable()
    assert visible_lines(text).count("\n") == text.count("\n")
    assert is_harmless(visible_lines(text))


@given(TEXTS)
def test_a_console_prints_no_control_sequence_of_any_text(text: str) -> None:
    table = new_table(text, "column")
    table.add_row(text)

    assert is_harmless(printed(lambda console: console.print(text, Text(text), Text.assemble("a", (text, "red")))))
    assert is_harmless(printed(lambda console: console.print(table)))


@given(TEXTS)
def test_a_terminal_gets_the_consoles_own_styles_only(text: str) -> None:
    shown = printed(
        lambda console: console.print(Text.assemble("a", (text, "red"))), force_terminal=True, color_system="standard"
    )

    assert is_harmless(STYLE.sub("", shown))


def test_an_escaped_character_keeps_the_style_of_its_text() -> None:
    shown = printed(
        lambda console: console.print(Text.assemble("a", ("b\x9bc", "red"), "d")),
        force_terminal=True,
        color_system="standard",
    )

    assert STYLE.sub("", shown) == "ab\\u009bcd\n"
    assert shown.startswith("a\x1b[31mb")
    assert shown.endswith("c\x1b[0md\n")


def test_a_line_break_in_a_cell_makes_no_row() -> None:
    table = new_table("Title", "one", "two")
    table.add_row(TWO_ROWS, Text(TWO_ROWS, style="red"))

    shown = printed(lambda console: console.print(table))

    assert shown.count("COMPLETE") == 2
    assert [line for line in shown.splitlines() if "COMPLETE" in line] == [
        r" web\u000d\u000aCOMPLETE   web\u000aCOMPLETE "
    ]


def test_markup_and_emoji_in_data_are_text() -> None:
    assert (
        printed(lambda console: console.print("[red]a[/red] [link=x]b :smile:")) == "[red]a[/red] [link=x]b :smile:\n"
    )


PAGES: dict[str, Callable[[], object]] = {
    "the summary of a run": lambda: print_run(output_console(), RunSummary(RUN, 1, 0, 1.0, HOSTILE), [ANSWER]),
    "the status": lambda: output_console().print(
        status_page(Status(HOSTILE, HOME, "eu-central-1", "s3://lake", AT, [RUN], []))
    ),
    "the end of a run": lambda: print_ended(RUN, as_json=False),
    "the checks of a stack": lambda: print_checks(
        "patchlake",
        [
            Checked("queues", Verdict.FINDING, (Finding(HOSTILE, HOSTILE),)),
            Checked("lake", Verdict.UNKNOWN, reason=HOSTILE),
        ],
        as_json=False,
    ),
    "the redriven letters": lambda: print_redriven(
        "patchlake", Redriven({}, [FailedEvent(Fate.UNKNOWN, None, HOSTILE)], 86_400), as_json=False
    ),
    "the readiness of an export": lambda: print_readiness(
        Readiness(
            Identity(HOME, HOSTILE),
            LakeLocation(HOSTILE),
            HOSTILE,
            [TargetCheck(Target(HOME, "eu-central-1"), role=HOSTILE, detail=HOSTILE)],
            [],
        ),
        as_json=False,
    ),
    "the progress of a run": lambda: RunProgress(output_console()).say(HOSTILE),
}


@pytest.mark.parametrize("page", PAGES)
def test_no_page_prints_a_control_sequence_of_its_data(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    PAGES[page]()

    shown = capsys.readouterr().out
    assert is_harmless(shown)
    assert SHOWN[:30] in shown.replace("\n", "")
    assert not any(line.strip() == "COMPLETE" for line in shown.splitlines())
