"""Common questions about a snapshot, answered by the views of a stack."""

from typing import NamedTuple

from patchlake_cli.lake.engine import Lake


class AnsweredQuestion(NamedTuple):
    """A question, and the rows that answer it."""

    question: str
    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


PATCH_GAPS = """
    SELECT
      reason,
      count_if(instance_id IS NULL) AS targets,
      CASE WHEN count(nodes) = count(*) THEN sum(nodes) END AS nodes
    FROM patches_not_known
    GROUP BY reason
    ORDER BY targets DESC, nodes DESC NULLS FIRST, reason
"""
"""The reasons why patches are not known; the number of nodes is NULL where that of one row is not known."""

_QUESTIONS = {
    "Compliance by account": """
        SELECT
          account_id AS account,
          account_name AS name,
          CAST(targets_read AS varchar) || ' of ' || CAST(targets_total AS varchar)
            || CASE
              WHEN targets_not_planned > 0 THEN ', ' || CAST(targets_not_planned AS varchar) || ' no longer planned'
              ELSE ''
            END AS read,
          nodes_listed AS nodes,
          nodes_compliant AS compliant,
          nodes_non_compliant AS non_compliant,
          nodes_unknown AS unknown,
          compliant_percent,
          compliant_percent_lower_bound AS at_least_percent
        FROM compliance_by_account
        ORDER BY account_id
    """,
    "Worst patch groups": """
        SELECT
          patch_group,
          nodes_listed AS nodes,
          nodes_compliant AS compliant,
          nodes_non_compliant AS non_compliant,
          nodes_unknown AS unknown,
          compliant_percent,
          compliant_percent_lower_bound AS at_least_percent
        FROM compliance_by_patch_group
        WHERE patch_group IS NOT NULL
        ORDER BY CAST(nodes_non_compliant AS double) / nullif(nodes_listed, 0) DESC NULLS LAST, patch_group
        LIMIT 5
    """,
    "What is unknown, or was not read": """
        SELECT listing_status AS reason, 'target' AS what, account_id || ' ' || region AS place, 1 AS how_many
        FROM latest_coverage
        WHERE listing_status <> 'LISTED'
        UNION ALL
        SELECT 'ROWS_WITHOUT_ID', 'rows', account_id || ' ' || region, rows_without_id
        FROM latest_coverage
        WHERE rows_without_id > 0
        UNION ALL
        SELECT unknown_reason, 'nodes', NULL, count(*)
        FROM latest_patch_states
        WHERE compliance_status = 'UNKNOWN'
        GROUP BY unknown_reason
        ORDER BY what DESC, how_many DESC, reason, place
    """,
}

_ABOUT_PATCHES = {
    "Patches needed by the most nodes": """
        SELECT
          kb_id AS patch,
          title,
          severity,
          nodes_lower_bound AS nodes_that_need_it,
          accounts_lower_bound AS accounts,
          cves
        FROM patches_overview
        WHERE nodes_lower_bound > 0
        ORDER BY nodes_that_need_it DESC, severity_rank DESC, patch, title
        LIMIT 5
    """,
    "Why patches are not known": PATCH_GAPS,
}

_ABOUT_INSTANCES = {
    "Running instances that Systems Manager does not manage, by account": """
        WITH counted AS (
          SELECT account_id, count(*) AS instances FROM unmanaged_instances GROUP BY account_id
        )
        SELECT
          account.account_id AS account,
          account.account_name AS name,
          CASE WHEN account.fleet_unknown_reason IS NULL THEN coalesce(counted.instances, 0) ELSE counted.instances END
            AS not_managed_at_least,
          account.fleet_unknown_reason AS why_not_known,
          account.fleet_compliant_percent,
          account.fleet_compliant_percent_lower_bound AS at_least_percent
        FROM compliance_by_account AS account
        LEFT JOIN counted ON counted.account_id = account.account_id
        ORDER BY account.account_id
    """,
    "Unmanaged instances, earliest launch first": """
        SELECT account_id AS account, region, instance_id AS instance, CAST(launch_time AS date) AS launched, tags
        FROM unmanaged_instances
        ORDER BY launch_time, account_id, region, instance_id
        LIMIT 5
    """,
}


def answer_questions(lake: Lake) -> list[AnsweredQuestion]:
    """Answer each question for the newest published run; those about patches and instances if it read them."""
    [(patches_status, instances_status)] = lake.select("SELECT patches_status, instances_status FROM latest_run").rows
    questions = dict(_QUESTIONS)
    for status, more in ((patches_status, _ABOUT_PATCHES), (instances_status, _ABOUT_INSTANCES)):
        questions |= more if status not in {"NOT_ASKED", "NO_SNAPSHOT"} else {}
    answers = []
    for question, sql in questions.items():
        found = lake.select(sql)
        answers.append(AnsweredQuestion(question, found.columns, found.rows))
    return answers
