"""The first sheet: how much is compliant, how much is not, and how much is unknown."""

from generators.quicksight.colors import BLUE, GRAY, ORANGE, STATUS_COLORS
from generators.quicksight.fields import Field
from generators.quicksight.layout import Note, Sheet, row
from generators.quicksight.sheets.shared import (
    ACCOUNT,
    COUNTS,
    COUNTS_AND_UNREAD,
    DAY,
    FLEET,
    LOWEST_FIRST,
    PERCENTS,
    PLATFORM,
    SERIES,
    run_row,
    states_of,
)
from generators.quicksight.visuals import Bars, Kpi, Lines, Table

_FIGURES = (
    ("at-least", "Compliant, at least", "Whatever was not read counts against it.", PERCENTS[1], BLUE),
    ("compliant-percent", "Of the listed nodes", "Nodes of unread targets do not count.", PERCENTS[0], BLUE),
    ("compliant", "Compliant nodes", "Scanned in time, nothing missing.", COUNTS[1], BLUE),
    ("unknown", "Unknown nodes", "Listed, but the state is unknown.", COUNTS[3], GRAY),
    ("non-compliant", "Non-compliant nodes", "Missing, failed, rejected, awaiting reboot.", COUNTS[2], ORANGE),
    (
        "not-read",
        "Targets not read",
        "Their number of nodes is unknown.",
        Field("targets_not_read", "Targets"),
        GRAY,
    ),
)
"""The figures of the newest published run: id, title, question, figure and color.

The first is the bound: the percentage of the listed nodes rises if bad nodes become unreadable.
"""

OVERVIEW = Sheet(
    "overview",
    "Overview",
    "How much of the fleet is compliant, how much is not, and how much is unknown?",
    [
        run_row("overview"),
        row(
            6,
            *(
                Kpi(
                    id=f"overview-{name}",
                    dataset="compliance_overall",
                    title=title,
                    question=question,
                    value=figure,
                    color=color,
                )
                for name, title, question, figure, color in _FIGURES
            ),
        ),
        row(
            2,
            Note(
                "overview-note",
                "Compliant means that a node met its own patch baseline, not that it is free of vulnerabilities. "
                "Unknown values are shown as unknown, never as zero.",
            ),
        ),
        row(
            12,
            Lines(
                id="overview-percent-by-day",
                dataset="trend",
                title="Compliance by day",
                question="How has compliance changed? A gap is a date without a run or without a known figure.",
                date=DAY,
                value=Field("amount", "Percent of nodes", unit="%", decimals=1, how="MAX"),
                color=SERIES,
                only={"series": ["compliant", "at least"]},
            ),
            Bars(
                id="overview-nodes-by-day",
                dataset="trend",
                title="Nodes by day",
                question="How many nodes were in which state? A low bar may mean unread targets: see Coverage.",
                category=DAY,
                value=Field("amount", "Nodes", how="MAX"),
                color=SERIES,
                order="ascending",
                only={"series": list(STATUS_COLORS)},
            ),
        ),
        row(
            14,
            states_of("overview-accounts", "Nodes by account", "Which accounts have the most problems?", ACCOUNT),
            states_of("overview-platforms", "Nodes by platform", "Which platforms have the most problems?", PLATFORM),
        ),
        row(
            14,
            Table(
                id="overview-account-figures",
                dataset="compliance_by_account",
                title="Compliance by account",
                question="How compliant is each account? Lowest first, with accounts that were not read.",
                columns=[
                    ACCOUNT,
                    Field("account_name", "Name", null="not given"),
                    Field("targets_read", "Targets read"),
                    Field("targets_total", "Targets"),
                    *(*COUNTS, *PERCENTS, *FLEET),
                ],
                sort=LOWEST_FIRST,
            ),
        ),
        row(
            14,
            Table(
                id="overview-platform-figures",
                dataset="compliance_by_platform",
                title="Compliance by platform",
                question="How compliant is each operating system? Lowest first.",
                columns=[
                    Field("platform_type", "Type"),
                    PLATFORM,
                    Field("platform_version", "Version"),
                    *(*COUNTS_AND_UNREAD, *PERCENTS),
                ],
                sort=LOWEST_FIRST,
            ),
        ),
    ],
)
