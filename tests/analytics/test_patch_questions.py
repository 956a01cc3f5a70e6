"""Each question about patches, answered by its named query: every row was worked out by hand."""

from pathlib import Path

import pytest

from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.errors import ParameterError
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.overview import answer_questions
from patchlake_cli.lake.source_gaps import sources_of
from patchlake_cli.lake.statements import queries
from tests.analytics.patch_story import (
    APPROVABLE,
    CUMULATIVE,
    EU,
    FIREFOX,
    KERNEL,
    OFFICE,
    OLD,
    OPENSSL,
    P1,
    P2,
    P3,
    US,
    covered,
)
from tests.analytics.rows import pick
from tests.analytics.story import NOW, SHOP
from tests.analytics.synthetic import collected, listed, patch, write_run
from tests.world import HOME

NODE_COLUMNS = ("answer", "reason", "account_id", "region", "instance_id", "kb_id", "state")
"""The columns of the queries about nodes."""

SUM_COLUMNS = ("answer", "reason", "account_id", "region", "kb_id", "nodes")
"""The columns of the queries that count nodes."""


def node(number: int) -> str:
    return f"i-{number:08x}"


NEVER_SCANNED = ("UNKNOWN", "NO_PATCH_STATE", HOME, EU, node(4), None, None)
DIFFERING = ("UNKNOWN", "COUNTS_DIFFER", HOME, EU, node(8), None, None)
BROKEN = ("UNKNOWN", "State: expected a text", HOME, EU, node(7), None, None)
REFUSED = ("UNKNOWN", "AccessDeniedException", HOME, US, None, None, None)
UNNAMED = ("UNKNOWN", "CVES_NOT_NAMED", SHOP, EU, node(31), FIREFOX, "InstalledPendingReboot")
UNLISTED = ("UNKNOWN", "nodes: ACCESS_DENIED", SHOP, US, None, None, None)

UNKNOWN_SUMS = [
    ("UNKNOWN", "nodes: ACCESS_DENIED", SHOP, US, None, None),
    ("UNKNOWN", "AccessDeniedException", HOME, US, None, 1),
    ("UNKNOWN", "COUNTS_DIFFER", HOME, EU, None, 1),
    ("UNKNOWN", "NO_PATCH_STATE", HOME, EU, None, 1),
    ("UNKNOWN", "State: expected a text", HOME, EU, None, 1),
]


@pytest.mark.parametrize("cve", ["CVE-2026-1002", "cve-2026-1002"])
def test_17_the_nodes_that_lack_a_patch_of_a_cve(patch_lake: Lake, cve: str) -> None:
    # The rows of host-2 (it awaits a reboot) and host-31 do not name the CVE; the row of host-1 does.
    assert pick(patch_lake.named("nodes_missing_cve", [cve]), *NODE_COLUMNS) == [
        NEVER_SCANNED,
        BROKEN,
        DIFFERING,
        REFUSED,
        UNNAMED,
        UNLISTED,
        ("KNOWN", None, HOME, EU, node(1), CUMULATIVE, "Missing"),
        ("KNOWN", None, HOME, EU, node(2), CUMULATIVE, "InstalledPendingReboot"),
        ("KNOWN", None, SHOP, EU, node(31), CUMULATIVE, "Missing"),
    ]


def test_17_a_cve_that_only_a_run_before_the_window_named(patch_lake: Lake) -> None:
    assert pick(patch_lake.named("nodes_missing_cve", ["CVE-2026-0900"]), *NODE_COLUMNS)[6:] == [
        ("KNOWN", None, SHOP, EU, node(31), OLD, "InstalledPendingReboot")
    ]


def test_17_a_cve_that_is_written_in_small_letters(patch_lake: Lake) -> None:
    assert pick(patch_lake.named("nodes_missing_cve", ["CVE-2026-1003"]), *NODE_COLUMNS)[6:] == [
        ("KNOWN", None, HOME, EU, node(1), OFFICE, "Failed")
    ]


def test_17_a_cve_that_no_patch_names_has_no_known_row(patch_lake: Lake) -> None:
    # One more digit is another CVE.
    for cve in ("CVE-2026-10021", "CVE-2025-1002"):
        assert {row[0] for row in pick(patch_lake.named("nodes_missing_cve", [cve]), "answer")} == {"UNKNOWN"}


def test_17_a_whole_answer_without_a_row_says_that_no_node_lacks_the_patch(tmp_path: Path) -> None:
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 0)], [collected(P3, 1)])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert lake.named("nodes_missing_cve", ["CVE-2026-1002"]).rows == []


def test_17_an_update_that_could_be_approved_is_shown_and_not_open(tmp_path: Path) -> None:
    write_run(
        tmp_path,
        P3,
        [covered(2, "COMPLETE", 2)],
        [collected(P3, 1, missing_count=1), collected(P3, 2, available_security_update_count=1)],
        [
            patch(P3, 1, CUMULATIVE, "Missing", cve_ids="CVE-2026-1001"),
            patch(P3, 2, CUMULATIVE, "AvailableSecurityUpdate"),
        ],
    )
    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    answer = lake.named("nodes_missing_cve", ["CVE-2026-1001"])

    assert pick(answer, "answer", "instance_id", "state", "is_open") == [
        ("KNOWN", node(1), "Missing", True),
        ("KNOWN", node(2), "AvailableSecurityUpdate", False),
    ]


def test_18_spaces_around_an_id_in_an_answer_do_not_hide_its_nodes(tmp_path: Path) -> None:
    write_run(
        tmp_path,
        P3,
        [covered(1, "COMPLETE", 1)],
        [collected(P3, 1, missing_count=1)],
        [patch(P3, 1, f" {CUMULATIVE}\n", "Missing", cve_ids="CVE-2026-1001")],
    )
    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert pick(lake.named("nodes_missing_patch", [CUMULATIVE]), "answer", "instance_id", "kb_id") == [
        ("KNOWN", node(1), CUMULATIVE)
    ]
    assert pick(lake.named("nodes_missing_cve", ["CVE-2026-1001"]), "answer", "instance_id") == [("KNOWN", node(1))]
    assert lake.query("SELECT count(*) FROM patches_overview WHERE cves = 1").rows == [(1,)]
    assert lake.query("SELECT kb_id FROM patch_age").rows == [(CUMULATIVE,)]


def test_18_the_nodes_that_lack_a_patch(patch_lake: Lake) -> None:
    assert pick(patch_lake.named("nodes_missing_patch", ["kb1000001"]), *NODE_COLUMNS) == [
        NEVER_SCANNED,
        BROKEN,
        DIFFERING,
        REFUSED,
        UNLISTED,
        ("KNOWN", None, HOME, EU, node(1), CUMULATIVE, "Missing"),
        ("KNOWN", None, HOME, EU, node(2), CUMULATIVE, "InstalledPendingReboot"),
        ("KNOWN", None, SHOP, EU, node(31), CUMULATIVE, "Missing"),
    ]
    assert pick(patch_lake.named("nodes_missing_patch", [APPROVABLE]), "answer", "instance_id", "is_open")[5:] == [
        ("KNOWN", node(1), False)
    ]


def test_19_the_ten_patches_that_would_fix_most_nodes(patch_lake: Lake) -> None:
    answer = patch_lake.named("patches_fixing_most_nodes")

    # host-2, host-3 and host-8 need one patch each. APPROVABLE fixes no node.
    assert pick(answer, *SUM_COLUMNS, "nodes_with_no_other") == [
        *((*row, None) for row in UNKNOWN_SUMS),
        ("KNOWN", None, None, None, CUMULATIVE, 3, 1),
        ("KNOWN", None, None, None, KERNEL, 1, 1),
        ("KNOWN", None, None, None, OPENSSL, 1, 1),
        ("KNOWN", None, None, None, OFFICE, 1, 0),
        ("KNOWN", None, None, None, FIREFOX, 1, 0),
        ("KNOWN", None, None, None, OLD, 1, 0),
    ]


def test_19_there_are_ten_patches_at_most(tmp_path: Path) -> None:
    found = [patch(P3, 1, f"KB{number:02}", "Missing") for number in range(11)]
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 11)], [collected(P3, 1, missing_count=11)], found)

    answer = open_lake(LakeLocation(str(tmp_path)), now=NOW).named("patches_fixing_most_nodes")

    assert [kb_id for (kb_id,) in pick(answer, "kb_id")] == [f"KB{number:02}" for number in range(10)]


def test_20_the_patches_that_failed_and_their_nodes(patch_lake: Lake) -> None:
    assert pick(patch_lake.named("failed_patches"), *NODE_COLUMNS) == [
        NEVER_SCANNED,
        BROKEN,
        DIFFERING,
        REFUSED,
        UNLISTED,
        ("KNOWN", None, HOME, EU, node(1), OFFICE, "Failed"),
    ]


def test_21_the_patches_that_await_a_reboot(patch_lake: Lake) -> None:
    assert pick(patch_lake.named("reboots_by_patch"), *SUM_COLUMNS) == [
        *UNKNOWN_SUMS,
        ("KNOWN", None, None, None, CUMULATIVE, 1),
        ("KNOWN", None, None, None, FIREFOX, 1),
        ("KNOWN", None, None, None, OLD, 1),
    ]


def test_22_the_patches_that_are_new_since_the_previous_run(patch_lake: Lake) -> None:
    answer = patch_lake.named("new_patches")

    # The patches of host-31 could not be read the day before. host-1 and host-2 needed KB1000001 then.
    assert pick(answer, *SUM_COLUMNS, "nodes_before") == [
        (*UNKNOWN_SUMS[0], None),
        (*UNKNOWN_SUMS[1], None),
        (*UNKNOWN_SUMS[2], None),
        ("UNKNOWN", "NOT_KNOWN_BEFORE", SHOP, EU, None, 1, None),
        *((*row, None) for row in UNKNOWN_SUMS[3:]),
        ("KNOWN", None, None, None, OFFICE, 1, 0),
        ("KNOWN", None, None, None, KERNEL, 1, 0),
        ("KNOWN", None, None, None, OPENSSL, 1, 0),
    ]


def test_22_without_a_run_that_read_patches_before_nothing_is_new(tmp_path: Path) -> None:
    write_run(tmp_path, P1, [listed(1)], [collected(P1, 1, missing_count=1)])
    missing = [patch(P2, 1, CUMULATIVE, "Missing")]
    write_run(tmp_path, P2, [covered(1, "COMPLETE", 1)], [collected(P2, 1, missing_count=1)], missing)

    answer = open_lake(LakeLocation(str(tmp_path)), now=NOW).named("new_patches")

    assert pick(answer, *SUM_COLUMNS) == [("UNKNOWN", "NO_EARLIER_RUN", HOME, EU, None, 1)]


def test_22_a_node_that_was_never_scanned_before_cannot_be_compared(tmp_path: Path) -> None:
    unscanned = {**collected(P2, 1), "collection_status": "NO_PATCH_STATE"}
    write_run(tmp_path, P2, [covered(1, "COMPLETE", 0)], [unscanned])
    missing = [patch(P3, 1, CUMULATIVE, "Missing")]
    write_run(tmp_path, P3, [covered(1, "COMPLETE", 1)], [collected(P3, 1, missing_count=1)], missing)

    answer = open_lake(LakeLocation(str(tmp_path)), now=NOW).named("new_patches")

    assert pick(answer, *SUM_COLUMNS) == [("UNKNOWN", "NOT_KNOWN_BEFORE", HOME, EU, None, 1)]


def test_16_what_could_not_be_read_names_the_targets_without_patches(patch_lake: Lake) -> None:
    assert pick(patch_lake.named("not_read"), "what", "account_id", "region", "reason", "detail") == [
        ("TARGET", SHOP, US, "ACCESS_DENIED", None),
        ("PATCHES", HOME, US, "PARTIAL", "AccessDeniedException"),
    ]


OVER_PATCHES = [query for query in queries() if "patches" in sources_of(query.relations)]


@pytest.mark.parametrize("name", [query.name for query in OVER_PATCHES])
def test_a_lake_without_patches_has_an_unknown_row_for_each_target(lake: Lake, name: str) -> None:
    values = {"nodes_missing_cve": ["CVE-2026-1000"], "nodes_missing_patch": ["KB1"], "patches_open_longer": ["5"]}

    answer = lake.named(name, values.get(name, []))

    assert {row[0] for row in pick(answer, "answer")} == {"UNKNOWN"}
    assert {reason for (reason,) in pick(answer, "reason")} == {"NOT_ASKED", "TARGET_NOT_PLANNED"}


@pytest.mark.parametrize("name", ["lake", "patch_lake", "ec2_lake"])
def test_no_node_is_in_two_rows_of_those_whose_patches_are_not_known(request: pytest.FixtureRequest, name: str) -> None:
    opened: Lake = request.getfixturevalue(name)

    targets = opened.query("""
        SELECT target.patches_status, target.nodes_listed + coalesce(target.rows_without_id, 0), sum(gap.nodes)
        FROM latest_coverage AS target
        JOIN patches_not_known AS gap ON gap.account_id = target.account_id AND gap.region = target.region
        WHERE target.listing_status = 'LISTED'
        GROUP BY target.account_id, target.region, target.patches_status, target.nodes_listed, target.rows_without_id
    """).rows

    assert targets
    for status, listed_nodes, not_known in targets:
        assert not_known == listed_nodes if status == "NOT_ASKED" else not_known <= listed_nodes


@pytest.mark.parametrize(
    ("query", "value", "expected"),
    [
        ("nodes_missing_cve", "2026-1002", "cve is '2026-1002': expected the id of a CVE, such as cve=CVE-2026-1234"),
        ("nodes_missing_cve", "CVE-2026-1002 ", "expected the id of a CVE"),
        ("nodes_missing_cve", "CVE-2026-\uff11\uff10\uff10\uff12", "expected the id of a CVE"),
        (
            "nodes_missing_patch",
            "5034441",
            (
                "kb_id is '5034441': expected the id of a patch, which is KB and a number, or the name of a package, "
                "such as kb_id=KB5034441"
            ),
        ),
        ("nodes_missing_patch", "", "expected the id of a patch"),
        ("nodes_missing_patch", "KB 5034441", "expected the id of a patch"),
        ("nodes_missing_patch", " KB5034441 ", "expected the id of a patch"),
        ("nodes_missing_patch", "KB5034441,KB5034442", "expected the id of a patch"),
        ("nodes_missing_patch", "KB5034441 KB5034442", "expected the id of a patch"),
        ("nodes_missing_patch", "openssl,curl", "expected the id of a patch"),
        ("nodes_missing_patch", "kb", "expected the id of a patch"),
        ("nodes_missing_patch", "*", "expected the id of a patch"),
        ("nodes_missing_patch", "openssl%", "expected the id of a patch"),
        ("nodes_missing_patch", "openssl ", "expected the id of a patch"),
        ("node_history", "i-0123456789abcdef0 ", "without spaces at either end"),
        ("nodes_missing_patch", "KB\udcff", "expected the id of a patch"),
    ],
)
def test_a_value_that_is_no_id_is_refused(patch_lake: Lake, query: str, value: str, expected: str) -> None:
    with pytest.raises(ParameterError) as refused:
        patch_lake.named(query, [value])

    assert expected in str(refused.value)


def test_the_name_of_a_package_may_have_spaces(patch_lake: Lake) -> None:
    answer = patch_lake.named("nodes_missing_patch", ["Command Line Tools"])

    assert "KNOWN" not in {row[0] for row in pick(answer, "answer")}


def test_the_overview_names_the_worst_patches_and_whose_patches_are_not_known(patch_lake: Lake, lake: Lake) -> None:
    answers = {answer.question: answer.rows for answer in answer_questions(patch_lake)}

    assert answers["Patches needed by the most nodes"] == [
        (CUMULATIVE, f"Update for {CUMULATIVE}", "Critical", 3, 2, 2),
        (FIREFOX, f"Update for {FIREFOX}", "Critical", 1, 1, None),
        (OLD, f"Update for {OLD}", "Critical", 1, 1, 1),
        (OFFICE, f"Update for {OFFICE}", "Important", 1, 1, 1),
        (OPENSSL, f"Update for {OPENSSL}", "Medium", 1, 1, 0),
    ]
    assert answers["Why patches are not known"] == [
        ("nodes: ACCESS_DENIED", 1, None),
        ("AccessDeniedException", 1, 1),
        ("COUNTS_DIFFER", 0, 1),
        ("NO_PATCH_STATE", 0, 1),
        ("State: expected a text", 0, 1),
    ]
    assert not [answer.question for answer in answer_questions(lake) if "patches" in answer.question]
