"""Three common questions about a snapshot, answered by the views of a stack."""

from typing import NamedTuple

from patchlake_cli.lake.engine import Lake


class AnsweredQuestion(NamedTuple):
    """A question, and the rows that answer it."""

    question: str
    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


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


def answer_questions(lake: Lake) -> list[AnsweredQuestion]:
    """Answer each question for the newest published run."""
    answers = []
    for question, sql in _QUESTIONS.items():
        found = lake.query(sql)
        answers.append(AnsweredQuestion(question, found.columns, found.rows))
    return answers
