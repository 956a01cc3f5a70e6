"""The charts of a report, by what is in their SVG."""

import re
from dataclasses import replace

from patchlake_cli.report.charts import Chart, ages_chart, percent_chart, shares_chart, states_chart
from patchlake_cli.report.node_figures import Age, Compliance, Day

FIRST = Day(10, 5, 4, 1, 50.0, 50.0, "2026-10-29", "20261029T060000Z", "COMPLETE", "2 of 2 targets read")
NEXT = replace(FIRST, run_date="2026-10-30", run_status="PARTIAL", compliant_percent=60.0)
AFTER_A_GAP = replace(FIRST, run_date="2026-11-02")
SOME = Compliance(10, 6, 3, 1, 60.0, 50.0)
UNREAD = Compliance(None, None, None, None, None, None)
EMPTY = Compliance(0, 0, 0, 0, None, None)


def paths(chart: Chart, mark: str) -> list[str]:
    """Return the paths of one kind of mark."""
    found = re.findall(rf'<g class="mark-{mark} role-mark[^"]*"[^>]*>(.*?)</g>', chart.wide, re.DOTALL)
    return re.findall(r' d="([^"]+)"', "".join(found))


def labels(chart: Chart) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", chart.wide)


def test_a_day_without_a_run_interrupts_the_line() -> None:
    [line] = paths(percent_chart([FIRST, replace(FIRST, run_date="2026-10-30"), AFTER_A_GAP]), "line")

    assert (line.count("M"), line.count("L")) == (2, 1)
    assert {"29 Oct", "30 Oct", "31 Oct", "1 Nov", "2 Nov"} <= set(labels(percent_chart([FIRST, AFTER_A_GAP])))
    assert {"31 Oct", "1 Nov"} <= set(labels(states_chart([FIRST, AFTER_A_GAP])))


def test_the_lower_bound_is_drawn_where_it_says_something() -> None:
    assert list(percent_chart([FIRST]).key) == ["of the listed nodes"]
    assert len(percent_chart([FIRST, NEXT]).key) == 2


def test_the_point_of_a_partial_run_is_hollow() -> None:
    drawn = percent_chart([FIRST, NEXT]).wide

    assert drawn.count('fill="var(--page)"') == 2
    assert (
        percent_chart([FIRST, NEXT]).alternative
    ) == "Nodes, day by day: 50.0 % compliant on 2026-10-29; at least 50.0 % compliant on 2026-10-30."


def test_what_was_not_read_has_no_bar_and_says_so() -> None:
    chart = shares_chart([("known", SOME), ("secret", UNREAD), ("empty", EMPTY)], "account")

    assert {"not read", "no nodes"} <= set(labels(chart))
    assert chart.alternative.endswith(
        "known: 6 compliant, 3 non-compliant, 1 unknown; secret: not read; empty: no nodes."
    )


def test_rows_of_one_name_keep_bars_of_their_own() -> None:
    assert {"twin", "twin (2)"} <= set(labels(shares_chart([("twin", SOME), ("twin", SOME)], "account")))


def test_a_name_of_any_length_has_a_bar() -> None:
    names = labels(shares_chart([("x" * 100_000, SOME), ("x" * 100_001, SOME)], "platform"))

    assert max(map(len, names)) <= len("x" * 79 + "… (2)")
    assert len([name for name in names if name.startswith("xxx")]) == 2


def test_no_more_than_a_dozen_bars_are_drawn() -> None:
    rows = [(f"group-{number}", SOME) for number in range(40)]

    assert len([label for label in labels(shares_chart(rows, "patch group")) if label.startswith("group-")]) == 12


def test_ages_tell_the_known_from_the_least() -> None:
    chart = ages_chart([Age(0, is_lower_bound=False, nodes=3), Age(30, is_lower_bound=True, nodes=1200)])

    assert chart.key == {"exact age": "non-compliant", "minimum age": "at-least"}
    assert chart.alternative.endswith("0 days: 3, at least 30 days: 1,200.")
