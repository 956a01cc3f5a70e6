"""The status of a secondary source in a run, from what coverage says of each target."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from patchlake.core.statuses import CollectionStatus
from patchlake_cli.lake.runs import Run, RunStatus, counts_as_json
from patchlake_cli.lake.source_coverage import (
    NOT_ASKED,
    SourceCoverage,
    SourceGap,
    SourceStatus,
    sentence,
    source_coverage,
)
from patchlake_cli.operations.status import Status
from patchlake_cli.operations.status_page import status_page
from tests.world import EU, HOME, RUN_AT, RUN_ID

NODES = dict.fromkeys(map(str, CollectionStatus), 0)


def target(status: str | None, detail: str | None = None, rows: int | None = 0, **others: int) -> dict[str, Any]:
    return {"account_id": HOME, "region": EU.region, "status": status, "detail": detail, "rows": rows, **others}


READ, REFUSED = target("COMPLETE", rows=3), target("PARTIAL", "AccessDeniedException", 4)


@pytest.mark.parametrize(
    ("targets", "published", "status"),
    [
        ([READ], None, "COMPLETE"),
        ([READ], 3, "COMPLETE"),
        ([READ, REFUSED], 7, "PARTIAL"),
        ([READ, REFUSED], 6, "UNPUBLISHED"),
        ([READ], 0, "UNPUBLISHED"),
        ([READ, target(None, rows=None)], None, "COMPLETE"),
        ([], None, "NOT_ASKED"),
        ([target(None, rows=None)], 0, "NOT_ASKED"),
        ([target("LISTED", rows=2, rows_without_id=0)], None, "COMPLETE"),
        ([target("LISTED", rows=2, rows_without_id=1)], None, "PARTIAL"),
        ([target("ACCESS_DENIED", "UnauthorizedOperation", None)], None, "PARTIAL"),
        ([target("LISTED", rows=2), target("ACCOUNT_NOT_ACTIVE", rows=None)], None, "COMPLETE"),
        ([target("ACCOUNT_NOT_ACTIVE", rows=None)], None, "PARTIAL"),
    ],
)
def test_a_source_is_complete_only_if_every_active_target_was_read_in_full(
    targets: list[dict[str, Any]], published: int | None, status: str
) -> None:
    assert source_coverage(targets, published).status == status


def test_a_sentence_has_the_rows_the_targets_and_the_most_frequent_reason() -> None:
    late = target("PARTIAL", "no part by the run's detail deadline", 1)

    assert sentence("patches", source_coverage([READ])) == "Patches are COMPLETE: 3 rows."
    assert sentence("patches", source_coverage([READ, late, REFUSED, REFUSED])) == (
        "Patches are PARTIAL: 12 rows; 3 of 4 targets could not be read in full, for example: AccessDeniedException."
    )
    assert sentence("patches", source_coverage([READ], 2)) == (
        "Patches are UNPUBLISHED: 3 rows according to the coverage, but the table has a different number."
    )
    assert sentence("patches", NOT_ASKED) is None


def test_the_reason_of_a_target_with_rows_without_an_id_is_not_that_it_was_read() -> None:
    coverage = source_coverage([target("LISTED", rows=2), target("LISTED", rows=2, rows_without_id=1)])

    assert coverage.reason == "rows without an id"


def shown(coverage: SourceCoverage) -> tuple[str, dict[str, Any]]:
    """Return the page of a status, and the run as JSON."""
    run = Run(RUN_ID, RUN_AT, RunStatus.COMPLETE, 1, (), NODES, sources={"patches": coverage})
    console = Console(width=200, file=StringIO())
    console.print(status_page(Status("stack", HOME, EU.region, "s3://lake", RUN_AT, [run], [])))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue(), counts_as_json(run)["sources"]


def test_a_status_names_each_target_that_a_source_did_not_read() -> None:
    page, sources = shown(source_coverage([READ, REFUSED]))

    assert "Patches are PARTIAL: 7 rows; 1 of 2 targets could not be read in full" in page
    assert f"Patches not read in full in run {RUN_ID}" in page
    assert [line.split() for line in page.splitlines() if "AccessDenied" in line][1:] == [
        [HOME, EU.region, "AccessDeniedException"]
    ]
    assert sources == {
        "patches": {
            "status": "PARTIAL",
            "rows": 7,
            "targets": 2,
            "targets_not_read": 1,
            "reason": "AccessDeniedException",
        }
    }


def test_a_source_that_was_not_asked_is_on_no_page_and_in_json() -> None:
    page, sources = shown(NOT_ASKED)

    assert "Patches" not in page
    assert sources["patches"]["status"] == "NOT_ASKED"
    assert sources["patches"]["rows"] is None


def test_a_run_under_way_has_no_sources_yet() -> None:
    assert counts_as_json(Run(RUN_ID, RUN_AT, RunStatus.RUNNING, 1))["sources"] is None


@pytest.mark.parametrize(
    ("found", "is_denied"),
    [
        (target("PARTIAL", "AccessDeniedException"), True),
        (target("PARTIAL", "no part by the run's detail deadline"), False),
        (target("ACCESS_DENIED", "UnauthorizedOperation", None), True),
        (target("NOT_LISTED", "InternalError", None), False),
        (target("ROLE_NOT_ASSUMABLE", "AccessDenied", None), False),
        (target("LISTED", None, 2, rows_without_id=1), False),
    ],
)
def test_only_a_policy_that_denies_the_action_is_a_denial(found: dict[str, Any], *, is_denied: bool) -> None:
    [gap] = source_coverage([found]).gaps

    assert gap.is_denied is is_denied


def test_a_gap_keeps_its_target() -> None:
    assert source_coverage([READ, REFUSED]).gaps == (SourceGap(HOME, EU.region, "AccessDeniedException", "PARTIAL"),)
    assert source_coverage([READ, REFUSED]).status is SourceStatus.PARTIAL
