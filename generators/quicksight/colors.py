"""The color of each value, the same in every visual."""

BLUE, SKY, GREEN, ORANGE = "#0072B2", "#56B4E9", "#009E73", "#D55E00"
PINK, GRAY, BLACK = "#CC79A7", "#767676", "#333333"
"""Colors that differ in any color vision (after Okabe and Ito); the gray is dark enough for text."""

STATUS_COLORS = {"COMPLIANT": BLUE, "NON_COMPLIANT": ORANGE, "UNKNOWN": GRAY}
RUN_COLORS = {"COMPLETE": BLUE, "PARTIAL": ORANGE, "UNPUBLISHED": GRAY, "NO_SNAPSHOT": ORANGE}
CHANGE_COLORS = {
    "NEWLY_NON_COMPLIANT": ORANGE,
    "REMEDIATED": BLUE,
    "BECAME_UNKNOWN": GRAY,
    "BECAME_KNOWN": SKY,
    "NEW": GREEN,
    "VANISHED": PINK,
    "NOT_COMPARED": BLACK,
}
TREND_COLORS = {
    **STATUS_COLORS,
    "compliant": BLUE,
    "at least": SKY,
    "read": BLUE,
    "not read": GRAY,
    "no longer planned": PINK,
}

BY_COLUMN = {
    ("latest_known_nodes", "compliance_status"): STATUS_COLORS,
    ("days_non_compliant", "compliance_status"): STATUS_COLORS,
    ("changes_since_previous_run", "change"): CHANGE_COLORS,
    ("trend", "series"): TREND_COLORS,
}
"""The columns that divide charts: dataset and column."""
