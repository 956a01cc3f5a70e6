"""Three questions that everybody asks of a snapshot, answered by SQL over one run."""

from typing import NamedTuple

import duckdb


class Answer(NamedTuple):
    """A question, and the rows that answer it."""

    question: str
    columns: list[str]
    rows: list[tuple[object, ...]]


# A node with a missing, failed or rejected patch, or one that waits for a reboot, is NON_COMPLIANT however old its
# scan; whatever is not known for certain is UNKNOWN; the rest is COMPLIANT with its baseline.
_NODE_COMPLIANCE = """
    CREATE OR REPLACE TEMP VIEW node_compliance AS
    SELECT *,
        CASE
            WHEN collection_status = 'COLLECTED' AND greatest(
                missing_count, failed_count, installed_rejected_count, installed_pending_reboot_count,
                critical_non_compliant_count, security_non_compliant_count, other_non_compliant_count
            ) > 0 THEN 'NON_COMPLIANT'
            WHEN unknown_reason IS NOT NULL THEN 'UNKNOWN'
            ELSE 'COMPLIANT'
        END AS compliance
    FROM (
        SELECT *,
            CASE
                WHEN collection_status <> 'COLLECTED' THEN collection_status
                WHEN operation_end_time < TIMESTAMPTZ '1970-01-02 00:00:00+00'
                    OR operation_end_time > collected_at + INTERVAL 1 DAY THEN 'SCAN_TIME_INVALID'
                WHEN collected_at - operation_end_time > INTERVAL 30 DAY THEN 'STALE_SCAN'
                WHEN missing_count IS NULL OR failed_count IS NULL OR installed_rejected_count IS NULL
                    OR installed_pending_reboot_count IS NULL OR critical_non_compliant_count IS NULL
                    OR security_non_compliant_count IS NULL OR other_non_compliant_count IS NULL THEN 'COUNT_ABSENT'
            END AS unknown_reason
        FROM patch_states
    )
"""

_QUESTIONS = {
    "Compliance by account": """
        SELECT
            account_id AS account,
            account_name AS name,
            format('{} of {}', targets_read, targets) AS targets_read,
            if(targets_read > 0, nodes, NULL) AS nodes,
            if(targets_read > 0, compliant, NULL) AS compliant,
            if(targets_read > 0, non_compliant, NULL) AS non_compliant,
            if(targets_read > 0, unknown, NULL) AS unknown,
            if(nodes > 0, format('{:.1f} %', 100.0 * compliant / nodes), NULL) AS compliant_percent
        FROM (
            SELECT
                account_id,
                max(account_name) AS account_name,
                count(DISTINCT region) AS targets,
                count(DISTINCT region) FILTER (listing_status = 'LISTED') AS targets_read,
                count(instance_id) AS nodes,
                count(*) FILTER (compliance = 'COMPLIANT') AS compliant,
                count(*) FILTER (compliance = 'NON_COMPLIANT') AS non_compliant,
                count(*) FILTER (compliance = 'UNKNOWN') AS unknown
            FROM coverage LEFT JOIN node_compliance USING (account_id, region)
            GROUP BY account_id
        )
        ORDER BY account_id
    """,
    "Worst patch groups": """
        SELECT
            patch_group,
            count(*) AS nodes,
            count(*) FILTER (compliance = 'NON_COMPLIANT') AS non_compliant,
            format('{:.1f} %', 100.0 * count(*) FILTER (compliance = 'NON_COMPLIANT') / count(*))
                AS non_compliant_percent,
            coalesce(sum(critical_non_compliant_count), 0)::BIGINT AS critical,
            coalesce(sum(security_non_compliant_count), 0)::BIGINT AS security,
            coalesce(sum(missing_count), 0)::BIGINT AS missing
        FROM node_compliance WHERE collection_status = 'COLLECTED'
        GROUP BY patch_group
        ORDER BY count(*) FILTER (compliance = 'NON_COMPLIANT') / count(*) DESC, patch_group LIMIT 5
    """,
    "What we do not know": """
        SELECT * FROM (
            SELECT unknown_reason AS reason, 'nodes' AS what, count(*) AS how_many, NULL AS "where"
            FROM node_compliance WHERE compliance = 'UNKNOWN' GROUP BY unknown_reason
            UNION ALL
            SELECT listing_status, 'targets', count(*), string_agg(account_id || '.' || region, ', ' ORDER BY region)
            FROM coverage WHERE listing_status <> 'LISTED' GROUP BY listing_status, account_id
        )
        ORDER BY what DESC, how_many DESC, reason
    """,
}


def answer(run: duckdb.DuckDBPyConnection) -> list[Answer]:
    """Answer every question about an opened run."""
    run.sql(_NODE_COMPLIANCE)
    answers = []
    for question, sql in _QUESTIONS.items():
        relation = run.sql(sql)
        answers.append(Answer(question, relation.columns, relation.fetchall()))
    return answers
