"""Each question about the age of patches, answered by its named query: every row was worked out by hand."""

from datetime import datetime

from patchlake_cli.lake.engine import Lake
from tests.analytics.patch_story import EU, KERNEL, OPENSSL, US
from tests.analytics.rows import pick
from tests.analytics.story import SHOP
from tests.world import HOME

WINDOWS_LINE = "Update for"
"""What is left of the titles of the story without their KB numbers: one line."""
LONG_AGO, YESTERDAY, TODAY = map(datetime.fromisoformat, ("2026-09-01T05:00", "2026-11-12T05:00", "2026-11-13T05:00"))
ANSWERED = datetime.fromisoformat("2026-11-13T06:00")
"""The time of SSM's answer: the rows of this node do not equal its counts, so their scan is not known."""


def node(number: int) -> str:
    return f"i-{number:08x}"


def test_28_the_lines_that_have_been_open_for_the_longest(patch_lake: Lake) -> None:
    columns = ("answer", "reason", "account_id", "line", "severity", "opened_at", "days_open", "nodes", "nodes_unread")
    assert pick(patch_lake.named("oldest_open_patches"), *columns) == [
        ("UNKNOWN", "nodes: ACCESS_DENIED", SHOP, None, None, None, None, None, None),
        ("UNKNOWN", "AccessDeniedException", HOME, None, None, None, None, 1, None),
        ("UNKNOWN", "COUNTS_DIFFER", HOME, None, None, None, None, 1, None),
        ("UNKNOWN", "NO_PATCH_STATE", HOME, None, None, None, None, 1, None),
        ("UNKNOWN", "State: expected a text", HOME, None, None, None, None, 1, None),
        ("KNOWN", None, HOME, WINDOWS_LINE, "Critical", LONG_AGO, 73, 2, 0),
        ("KNOWN", None, SHOP, WINDOWS_LINE, "Critical", TODAY, 0, 1, 0),
        ("KNOWN", None, HOME, KERNEL, "Unranked", ANSWERED, 0, 1, 0),
        ("KNOWN", None, HOME, OPENSSL, "Medium", TODAY, 0, 1, 1),
    ]


def test_29_the_nodes_that_have_needed_a_patch_for_longer(patch_lake: Lake) -> None:
    columns = ("answer", "reason", "age_status", "region", "instance_id", "line", "opened_at", "days_open")
    assert pick(patch_lake.named("patches_open_longer", ["1"]), *columns) == [
        ("UNKNOWN", "NO_PATCH_STATE", None, EU, node(4), None, None, None),
        ("UNKNOWN", "State: expected a text", None, EU, node(7), None, None, None),
        ("UNKNOWN", "COUNTS_DIFFER", None, EU, node(8), None, None, None),
        ("UNKNOWN", "AccessDeniedException", None, US, None, None, None, None),
        ("UNKNOWN", "nodes: ACCESS_DENIED", None, US, None, None, None, None),
        ("UNKNOWN", "NOT_READ", "POSSIBLY_LONGER", US, node(21), OPENSSL, YESTERDAY, 1),
        ("KNOWN", None, "LONGER", EU, node(1), WINDOWS_LINE, LONG_AGO, 73),
        ("KNOWN", None, "POSSIBLY_LONGER", EU, node(2), WINDOWS_LINE, YESTERDAY, 1),
        ("KNOWN", None, "POSSIBLY_LONGER", EU, node(8), KERNEL, ANSWERED, 0),
        ("KNOWN", None, "POSSIBLY_LONGER", EU, node(3), OPENSSL, TODAY, 0),
        ("KNOWN", None, "POSSIBLY_LONGER", EU, node(31), WINDOWS_LINE, TODAY, 0),
    ]


def test_30_the_time_to_remediate_by_month_and_severity(patch_lake: Lake) -> None:
    columns = ("answer", "reason", "nodes", "month", "severity", "lines", "lines_remediated", "median_days", "p90_days")
    assert pick(patch_lake.named("time_to_remediate"), *columns) == [
        ("UNKNOWN", "AccessDeniedException", 1, None, None, None, None, None, None),
        ("UNKNOWN", "COUNTS_DIFFER", 1, None, None, None, None, None, None),
        ("UNKNOWN", "NO_PATCH_STATE", 1, None, None, None, None, None, None),
        ("UNKNOWN", "State: expected a text", 1, None, None, None, None, None, None),
        ("UNKNOWN", "nodes: ACCESS_DENIED", None, None, None, None, None, None, None),
        ("KNOWN", None, None, "2026-11", "Critical", 2, 0, 0, 1),
        ("KNOWN", None, None, "2026-11", "Medium", 2, 0, 0, 0),
        ("KNOWN", None, None, "2026-11", "Unranked", 1, 0, 0, 0),
        ("KNOWN", None, None, "2026-09", "Critical", 1, 0, 72, 72),
    ]
