"""Reads the figures of deadlines, exceptions and remediation from the views of a lake."""

from itertools import groupby
from operator import attrgetter

from patchlake_cli.lake.engine import Lake
from patchlake_cli.report.deadline_figures import (
    Breach,
    Deadlines,
    OverdueAccount,
    OverdueDay,
    PolicyProblem,
    RemediatedMonth,
    Scorecard,
)
from patchlake_cli.report.rows import columns_of, read_rows, read_shortlist

BREACHES_SHOWN = 25
ACCOUNTS_SHOWN = 100
LINES_OF_ACCOUNT_SHOWN = 50
PROBLEMS_SHOWN = 25
SCORECARDS_SHOWN = 200

_IS_OVERDUE = "overdue_status = 'OVERDUE' AND breach_status <> 'EXCEPTED'"
_WORST_FIRST = "severity_rank DESC, days_open DESC, account_id, region, instance_id, line"

_WITH_TAGS = """(
    SELECT breach.*, held.tags
    FROM sla_breaches AS breach
    LEFT JOIN (
      SELECT
        account_id, region, instance_id,
        array_join(array_agg(tag_key || '=' || tag_value ORDER BY tag_key), ', ') AS tags
      FROM node_tags
      WHERE tag_status = 'READ'
      GROUP BY account_id, region, instance_id
    ) AS held
      ON held.account_id = breach.account_id
      AND held.region = breach.region
      AND held.instance_id = breach.instance_id
  ) AS breaches"""

_BY_ACCOUNT = f"""(
    SELECT
      account_id,
      max(account_name) AS account_name,
      count_if(severity_rank = 4) AS lines_critical,
      count_if(severity_rank = 3) AS lines_important,
      count_if(severity_rank = 2) AS lines_medium,
      count_if(severity_rank = 1) AS lines_low,
      count_if(severity_rank = 0) AS lines_unranked
    FROM sla_breaches
    WHERE {_IS_OVERDUE}
    GROUP BY account_id
  ) AS accounts"""  # noqa: S608  # our own text


def read_deadlines(lake: Lake) -> Deadlines:
    """Read the figures of the newest published run.

    Raises:
        LakeError: a file cannot be read.
    """
    lake.keep("scorecards")
    [fleet] = read_rows(lake, Scorecard, "scorecards WHERE scope = 'FLEET'")
    return Deadlines(
        fleet=fleet,
        scorecards=read_shortlist(
            lake,
            Scorecard,
            "scorecards WHERE scope <> 'FLEET'",
            "scope, tag_key, lines_overdue DESC NULLS FIRST, lines_possibly_overdue DESC, account_id, patch_group, "
            "tag_status, tag_value",
            SCORECARDS_SHOWN,
        ),
        worst=read_shortlist(
            lake,
            Breach,
            f"{_WITH_TAGS} WHERE breach_status <> 'EXCEPTED'",
            f"overdue_status <> 'OVERDUE', {_WORST_FIRST}",
            BREACHES_SHOWN,
        ),
        accounts=read_shortlist(
            lake,
            OverdueAccount,
            _BY_ACCOUNT,
            "lines_critical DESC, lines_important DESC, lines_medium DESC, lines_low DESC, lines_unranked DESC, "
            "account_id",
            ACCOUNTS_SHOWN,
        ),
        lines_of_accounts=_lines_of_accounts(lake),
        trend=read_rows(lake, OverdueDay, "scorecard_trend WHERE scope = 'FLEET' ORDER BY run_date"),
        remediation=read_rows(
            lake,
            RemediatedMonth,
            "remediation WHERE scope = 'FLEET' AND month IS NOT NULL ORDER BY month DESC, severity_rank DESC",
        ),
        problems=read_shortlist(lake, PolicyProblem, "policy_problems", "policy, path, problem, text", PROBLEMS_SHOWN),
    )


def _lines_of_accounts(lake: Lake) -> dict[str, list[Breach]]:
    source = f"""(
      SELECT *, row_number() OVER (PARTITION BY account_id ORDER BY {_WORST_FIRST}) AS place
      FROM {_WITH_TAGS}
      WHERE {_IS_OVERDUE}
    ) AS lines"""  # noqa: S608  # our own text
    sql = (
        f"SELECT {columns_of(Breach)} FROM {source} WHERE place <= {LINES_OF_ACCOUNT_SHOWN} ORDER BY account_id, place"  # noqa: S608
    )
    lines = [Breach(*row) for row in lake.select(sql).rows]
    return {account_id: list(found) for account_id, found in groupby(lines, attrgetter("account_id"))}
