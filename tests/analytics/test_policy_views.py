"""The views of a policy, row by row: each kind of bad row, each rule of a deadline and of an exception."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from patchlake.core.records import INSTANCE_ID_PATTERN
from patchlake.core.run import run_at
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.files import find_policy, no_files
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import Settings, views
from tests.analytics.patch_story import covered
from tests.analytics.policy_files import SLA, write_file, write_policy
from tests.analytics.rows import pick, view
from tests.analytics.synthetic import REGION, collected, patch, tag, write_run
from tests.world import HOME

RUNS = [f"202611{day:02}T060000Z" for day in (1, 11, 21)]
TODAY = "2026-11-21"
NOW = run_at(RUNS[-1]) + timedelta(hours=6)
GOOD_EXCEPTION = f"{HOME},,,,,,why,me,2026-11-01,2026-12-31"
HEADER_OF_SLA = "the file has {} header{}: expected one line severity,tag_key,tag_value,days"
OUT_OF_PLACE = (
    "the line is empty, has too few columns, or a quote that is not closed or is out of place: expected {} columns"
)

SEVERITIES = "Critical, Important, Medium, Moderate or Low, or nothing"
TOGETHER = "tag_key without tag_value, or the reverse: expected both, or neither"
LATER = "expected a date, such as 2026-11-30"


def judged(folder: Path) -> Lake:
    """Return a lake without a run, and with a policy."""
    return Lake(no_files(), NOW, Settings(), find_policy(folder))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", OUT_OF_PLACE.format(4)),
        ("Critical,,7", OUT_OF_PLACE.format(4)),
        ('Critical,,,"7', OUT_OF_PLACE.format(4)),
        ('Critical,a"b",c,7', OUT_OF_PLACE.format(4)),
        ("Critical,,,7,", "the line has too many columns: expected 4, and a value with a comma in double quotes"),
        ("Critical,a\\b,c,7", "a backslash: expected none"),
        ("Critical,K\ufffdln,c,7", "a character that is not UTF-8: expected a file in UTF-8"),
        ("critical,,,7", f"severity is critical: expected {SEVERITIES}"),
        (
            "Unspecified,,,7",
            f"severity is Unspecified: expected {SEVERITIES}",
        ),
        ("Critical,,prod,7", "tag_value is prod, without a tag_key: expected both, or neither"),
        ("Critical,,,", "days is : expected a whole number from 0 to 9999"),
        ("Critical,,,-1", "days is -1: expected a whole number from 0 to 9999"),
        ("Critical,,, 7", "days is  7: expected a whole number from 0 to 9999"),
        ("Critical,,,1.5", "days is 1.5: expected a whole number from 0 to 9999"),
        ("Critical,,,10000", "days is 10000: expected a whole number from 0 to 9999"),
        ("Critical,,,\u0667", "days is \u0667: expected a whole number from 0 to 9999"),
        (SLA, HEADER_OF_SLA.format("several", "s")),
    ],
)
def test_a_bad_deadline_is_a_problem_and_sets_no_days(tmp_path: Path, line: str, problem: str) -> None:
    lake = judged(write_policy(tmp_path, sla=(line, "Low,,,8")))

    assert problem in {text for (text,) in view(lake, "policy_problems", "problem")}
    assert (8 if line != SLA else None) in {days for (days,) in view(lake, "sla_rows", "deadline_days")}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", OUT_OF_PLACE.format(10)),
        (f"{HOME},,,,,,why,me,2026-11-01", OUT_OF_PLACE.format(10)),
        (f"{GOOD_EXCEPTION},", "the line has too many columns: expected 10, and a value with a comma in double quotes"),
        (GOOD_EXCEPTION.replace("why", "a\\b"), "a backslash: expected none"),
        (
            GOOD_EXCEPTION.replace(HOME, ""),
            "nothing is selected: expected at least one of account, instance, tag_key with tag_value, kb_id and cve_id",
        ),
        (GOOD_EXCEPTION.replace(HOME, "1234"), "account is 1234: expected the twelve digits of an account, or nothing"),
        (
            ",host-1,,,,,why,me,2026-11-01,2026-12-31",
            "instance is host-1: expected the id of a node, such as i-0123456789abcdef0, or nothing",
        ),
        (
            ",,Env,,,,why,me,2026-11-01,2026-12-31",
            TOGETHER,
        ),
        (
            ",,,dev,,,why,me,2026-11-01,2026-12-31",
            TOGETHER,
        ),
        *(
            (
                f',,,,"{kb_id}",,why,me,2026-11-01,2026-12-31',
                f"kb_id is {kb_id}: expected KB and a number, or the name of a package, or nothing",
            )
            for kb_id in ("5001111", "kb 5001111", "KB5001111,KB5001112", "KB5001111 KB5001112", "KB", "openssl*", "%")
        ),
        (
            ",,,,,CVE-26-1,why,me,2026-11-01,2026-12-31",
            "cve_id is CVE-26-1: expected the id of a CVE, such as CVE-2026-1234, or nothing",
        ),
        (GOOD_EXCEPTION.replace("me", " "), "approver is empty: expected who approved the exception"),
        (GOOD_EXCEPTION.replace("2026-11-01", ""), "approved_on is : expected a date, such as 2026-11-01"),
        (GOOD_EXCEPTION.replace("2026-12-31", ""), "expires_on is : expected a date, such as 2026-11-30"),
        (
            GOOD_EXCEPTION.replace("2026-12-31", "31.12.2026"),
            f"expires_on is 31.12.2026: {LATER}",
        ),
        (
            GOOD_EXCEPTION.replace("2026-12-31", "2026-02-30"),
            f"expires_on is 2026-02-30: {LATER}",
        ),
        (
            GOOD_EXCEPTION.replace("2026-12-31", "2026-10-31"),
            "expires_on is 2026-10-31: expected a date that is not before approved_on, 2026-11-01",
        ),
    ],
)
def test_a_bad_exception_is_a_problem(tmp_path: Path, line: str, problem: str) -> None:
    lake = judged(write_policy(tmp_path, exceptions=(line, GOOD_EXCEPTION)))

    assert view(lake, "policy_problems", "policy", "problem") == [("exceptions", problem)]
    assert len(view(lake, "exception_rows", "path", "problem")) == 2


def test_an_exception_may_name_every_node_that_patchlake_asks_about(tmp_path: Path) -> None:
    ids = ("i-0123456789abcdef0", "i-0123456789ABCDEF0", "i-0a1b2c3d", "mi-0123456789Abcdef0", "i-0_23456789abcdef0")
    assert all(re.search(INSTANCE_ID_PATTERN, node) for node in ids)

    lake = judged(write_policy(tmp_path, exceptions=tuple(f",{node},,,,,why,me,2026-11-01,2026-12-31" for node in ids)))

    assert view(lake, "exception_rows", "instance", "problem") == [(node, None) for node in sorted(ids)]
    (judging,) = [each for each in views() if each.name == "exception_rows"]
    assert INSTANCE_ID_PATTERN.replace(r"\Z", "$") in judging.render(Settings())


@pytest.mark.parametrize(
    "head",
    [
        ("Severity,tag_key,tag_value,days",),
        ("tag_key,severity,tag_value,days",),
        ("severity,tag_key,tag_value,days,",),
        (),
        (SLA, SLA),
    ],
)
def test_every_row_of_a_file_is_bad_without_exactly_one_exact_header(tmp_path: Path, head: tuple[str, ...]) -> None:
    write_policy(tmp_path, sla=("Low,,,8",))
    write_file(tmp_path, "sla/team/more.csv", *head, "Critical,,,7")

    lake = judged(tmp_path)

    assert [days for (days,) in view(lake, "sla_rows", "deadline_days") if days is not None] == [8]
    assert len(view(lake, "policy_problems", "text", "problem")) == len(head) + 1


def test_a_byte_order_mark_and_quotes_around_values_change_nothing(tmp_path: Path) -> None:
    write_file(tmp_path, "sla/a.csv", f"\ufeff{SLA}", '"Critical","","","7"')
    write_file(tmp_path, "sla/b.csv", '\ufeff"severity","tag_key","tag_value","days"', "Moderate,,,9")
    write_file(tmp_path, "sla/_c.csv", "Athena ignores it")

    assert view(judged(tmp_path), "sla_rows", "severity", "severity_rank", "deadline_days", "problem") == [
        ("Critical", 4, 7, None),
        ("Moderate", 2, 9, None),
    ]


def test_the_built_in_deadlines_apply_without_a_policy() -> None:
    lake = Lake(no_files(), NOW, Settings())

    assert view(lake, "built_in_deadlines", "severity_rank", "days") == [(0, 90), (1, 90), (2, 60), (3, 30), (4, 15)]
    assert view(lake, "sla_deadlines", "tags", "severity_rank", "strictest_days", "longest_days")[:5] == [
        ("NOT_EC2", 0, 15, 90),
        ("NOT_EC2", 1, 90, 90),
        ("NOT_EC2", 2, 60, 60),
        ("NOT_EC2", 3, 30, 30),
        ("NOT_EC2", 4, 15, 15),
    ]


def tell(folder: Path, *, tags: list[dict[str, Any]] | None = None, **columns: Any) -> None:  # noqa: ANN401
    """Write three runs that saw a critical patch open on node 1, the first ten days after its scan was clean."""
    for number, run_id in enumerate(RUNS):
        rows = [patch(run_id, 1, "KB5001111", "Missing", **columns)] if number else []
        target = covered(1, "COMPLETE", len(rows))
        if tags is not None:
            target |= {"tags_status": "LISTED", "tags_rows_without_id": 0, "tags_rows": len(tags)}
        nodes = [collected(run_id, 1, baseline_id="pb-1", missing_count=len(rows))]
        write_run(folder, run_id, [target], nodes, rows, tags=tags)


def opened(folder: Path, **lines: tuple[str, ...]) -> Lake:
    return open_lake(LakeLocation(str(folder)), now=NOW, policy=write_policy(folder / "files", **lines))


STATUS = ("breach_status", "overdue_status", "reason", "strictest_days", "longest_days", "excepted_until")


def test_a_deadline_has_passed_on_the_day_after_its_last(tmp_path: Path) -> None:
    tell(tmp_path)

    # Open since the eleventh, seen on the twenty-first, and not seen for nine days before.
    assert view(opened(tmp_path, sla=("Critical,,,9",)), "sla_breaches", "days_open", *STATUS) == [
        (10, "OVERDUE", "OVERDUE", None, 9, 9, None)
    ]
    assert view(opened(tmp_path, sla=("Critical,,,10",)), "sla_breaches", "most_days_open", *STATUS) == [
        (19, "POSSIBLY_OVERDUE", "POSSIBLY_OVERDUE", "AGE_NOT_KNOWN", 10, 10, None)
    ]
    assert view(opened(tmp_path, sla=("Critical,,,19",)), "sla_breaches", *STATUS) == []


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        (("Critical,Env,prod,4", ",Env,prod,3", "Critical,,,2", ",,,1"), 4),
        ((",Env,prod,3", "Critical,,,2", ",,,1"), 3),
        ((",Env,,3", ",Env,prod,5"), 3),
        (("Critical,,,2", ",,,1"), 2),
        ((",,,5", ",,,1"), 1),
        (("Low,,,1", ",Env,dev,1", ",Owner,,1"), 15),
        (("Critical,,,8", "Critical,,,x"), 8),
        (("Critical,,,40", "Critical,,,x"), 15),
    ],
)
def test_the_most_specific_row_applies_and_of_several_the_fewest_days(
    tmp_path: Path, lines: tuple[str, ...], days: int
) -> None:
    tell(tmp_path, tags=[tag(1, "Env", "prod"), tag(2, "Owner", "shop")])
    lake = opened(tmp_path, sla=lines)

    # Without a row of its own, the node has no tag that the policy names.
    found = lake.query(
        "SELECT strictest_days, longest_days FROM sla_deadlines WHERE severity_rank = 4 AND tags = 'READ' "
        "AND coalesce(instance_id, 'i-00000001') = 'i-00000001' ORDER BY instance_id"
    ).rows
    assert found[0] == (days, days)


@pytest.mark.parametrize("tags", [None, [tag(1, "Owner", "shop")], [tag(1, "Env", None)]])
def test_a_tag_that_was_not_read_may_have_any_value(tmp_path: Path, tags: list[dict[str, Any]] | None) -> None:
    tell(tmp_path, tags=tags)

    lake = opened(tmp_path, sla=("Critical,Env,prod,4", "Critical,,,40"))

    assert view(lake, "sla_breaches", *STATUS) == [
        ("POSSIBLY_OVERDUE", "POSSIBLY_OVERDUE", "DEADLINE_NOT_KNOWN", 4, 40, None)
    ]


@pytest.mark.parametrize("severity", ["Unspecified", "", None])
def test_a_severity_without_a_rank_takes_the_strictest_row_that_may_match(tmp_path: Path, severity: str | None) -> None:
    tell(tmp_path, severity=severity)

    lake = opened(tmp_path, sla=("Critical,,,4", ",,,9"))
    assert view(lake, "sla_breaches", *STATUS) == [("OVERDUE", "OVERDUE", None, 4, 9, None)]
    lake = opened(tmp_path, sla=("Critical,,,4", ",,,40"))
    assert view(lake, "sla_breaches", *STATUS) == [
        ("POSSIBLY_OVERDUE", "POSSIBLY_OVERDUE", "DEADLINE_NOT_KNOWN", 4, 40, None)
    ]


def excepted(selectors: str, approved_on: str = "2026-11-01", expires_on: str = "2026-12-31") -> str:
    """Return an exception with these first six columns."""
    return f"{selectors},why,me,{approved_on},{expires_on}"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((excepted(f"{HOME},,,,,"),), "EXCEPTED"),
        ((excepted(",i-00000001,,,,"),), "EXCEPTED"),
        ((excepted(",,Env,prod,,"),), "EXCEPTED"),
        ((excepted(",,,,kb5001111,"),), "EXCEPTED"),
        ((excepted(",,,,,CVE-2026-0001"), excepted(",,,,,cve-2026-0002")), "EXCEPTED"),
        ((excepted(f"{HOME},i-00000001,Env,prod,KB5001111,"),), "EXCEPTED"),
        ((excepted(f"{HOME},,,,,", TODAY, TODAY),), "EXCEPTED"),
        ((excepted(f"{HOME},,,,,", "2026-11-22"),), "OVERDUE"),
        ((excepted(f"{HOME},,,,,", "2026-11-01", "2026-11-20"),), "EXCEPTION_EXPIRED"),
        ((excepted(f"{HOME},,,,,", "2026-11-01", "2026-11-20"), excepted(",,,,KB5001111,")), "EXCEPTED"),
        ((excepted(",,,,,CVE-2026-0001"),), "OVERDUE"),
        (
            (excepted(",,,,,CVE-2026-0001"), excepted(",,,,,CVE-2026-0002", expires_on="2026-11-20")),
            "EXCEPTION_EXPIRED",
        ),
        ((excepted(",,,,KB5002222,CVE-2026-0001"), excepted(",,,,,CVE-2026-0002")), "OVERDUE"),
        ((excepted("222233334444,i-00000001,,,,"),), "OVERDUE"),
        ((excepted(",,Env,dev,,"),), "OVERDUE"),
        ((excepted(",,Owner,prod,,"),), "OVERDUE"),
        ((excepted(f"{HOME},,,,,").replace(",me,", ",,"),), "OVERDUE"),
    ],
)
def test_an_exception_covers_what_every_column_of_it_selects(
    tmp_path: Path, lines: tuple[str, ...], status: str
) -> None:
    tell(tmp_path, tags=[tag(1, "Env", "prod"), tag(2, "Owner", "prod")], cve_ids="CVE-2026-0001,CVE-2026-0002")

    lake = opened(tmp_path, sla=("Critical,,,7",), exceptions=lines)

    assert view(lake, "sla_breaches", "breach_status", "overdue_status") == [(status, "OVERDUE")]
    assert view(lake, "compliance_overall", "nodes_non_compliant") == [(1,)]


def test_an_exception_that_ended_before_the_patch_opened_never_covered_it(tmp_path: Path) -> None:
    tell(tmp_path)
    # The line opened on the eleventh.
    ended, ends = (f"{HOME},,,,,,why,me,2026-01-01,2026-11-{day}" for day in ("10", "11"))

    assert view(opened(tmp_path, sla=("Critical,,,7",), exceptions=(ended,)), "sla_breaches", *STATUS) == [
        ("OVERDUE", "OVERDUE", None, 7, 7, None)
    ]
    assert view(opened(tmp_path, sla=("Critical,,,7",), exceptions=(ends,)), "sla_breaches", *STATUS) == [
        ("EXCEPTION_EXPIRED", "OVERDUE", None, 7, 7, "2026-11-11")
    ]


def test_an_exception_of_a_cve_covers_no_patch_without_a_known_cve(tmp_path: Path) -> None:
    tell(tmp_path)

    lake = opened(tmp_path, sla=("Critical,,,7",), exceptions=(excepted(",,,,,CVE-2026-0001"),))

    assert view(lake, "sla_breaches", "breach_status") == [("OVERDUE",)]


def test_an_exception_of_a_tag_needs_the_tag_read_in_that_run(tmp_path: Path) -> None:
    tell(tmp_path)

    lake = opened(tmp_path, sla=("Critical,,,7",), exceptions=(excepted(",,Env,prod,,"),))

    assert view(lake, "sla_breaches", "breach_status") == [("OVERDUE",)]


def test_the_tags_that_the_policy_names_are_those_of_good_rows(tmp_path: Path) -> None:
    tell(tmp_path, tags=[tag(1, "Env", "prod"), tag(1, "Owner", "shop"), tag(1, "Site", "a")])

    lake = opened(tmp_path, sla=(",Env,,7", ",Site,,x"), exceptions=(excepted(",,Owner,shop,,"),))

    assert view(lake, "policy_tags", "region", "instance_id", "key", "value") == [
        (REGION, "i-00000001", "Env", "prod"),
        (REGION, "i-00000001", "Owner", "shop"),
    ]


def test_a_lake_has_a_policy_of_its_own_unless_another_is_given(tmp_path: Path) -> None:
    tell(tmp_path)
    write_policy(tmp_path / "policy", sla=("Critical,,,3",))

    own = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert view(own, "sla_breaches", "strictest_days") == [(3,)]
    assert view(opened(tmp_path, sla=("Critical,,,4",)), "sla_breaches", "strictest_days") == [(4,)]


def test_31_the_patches_that_are_overdue(tmp_path: Path) -> None:
    tell(tmp_path)
    write_run(
        tmp_path,
        RUNS[-1],
        [covered(2, "COMPLETE", 1)],
        [
            collected(RUNS[-1], 1, baseline_id="pb-1", missing_count=1),
            collected(RUNS[-1], 2, collection_status="NO_PATCH_STATE"),
        ],
        [patch(RUNS[-1], 1, "KB5001111", "Missing")],
    )

    answer = opened(tmp_path, sla=("Critical,,,7",)).named("overdue_patches")

    assert pick(
        answer, "answer", "reason", "breach_status", "instance_id", "severity", "days_open", "strictest_days"
    ) == [
        ("UNKNOWN", "NO_PATCH_STATE", None, "i-00000002", None, None, None),
        ("KNOWN", None, "OVERDUE", "i-00000001", "Critical", 10, 7),
    ]
