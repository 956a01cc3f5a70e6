-- Question: How compliant, how overdue and how fast at remediation are the fleet, each account, each patch group and
--   each tag value?
-- Rows: one for the fleet, and one per account, patch group and value of each tag key, as in compliance_by_account,
--   compliance_by_patch_group and compliance_by_tag; and one for each value that occurs only in lines of patches.
-- Columns:
--   run_id: The newest published run.
--   run_status: COMPLETE or PARTIAL.
--   run_coverage: As in runs.
--   patches_status: As in runs.
--   scope: As in scopes.
--   account_id: The account of an ACCOUNT; NULL otherwise.
--   account_name: As in compliance_by_account; NULL without an account_id.
--   patch_group: The patch group of a PATCH_GROUP; NULL if it is not known, and for the other scopes.
--   tag_key: The key of a TAG; NULL otherwise.
--   tag_status: For a TAG, as in compliance_by_tag; NULL otherwise.
--   tag_value: The value of a TAG, which may be empty; NULL unless READ.
--   nodes_listed: As in compliance_overall; this and the next five are NULL if the newest run listed none of the nodes
--     of a patch group or tag value.
--   nodes_compliant: Nodes that are COMPLIANT.
--   nodes_non_compliant: Nodes that are NON_COMPLIANT.
--   nodes_unknown: Nodes that are UNKNOWN, for any reason.
--   compliant_percent: nodes_compliant as a percentage of nodes_listed, as in the view of the scope.
--   compliant_percent_lower_bound: As in the view of the scope.
--   lines_overdue: Lines of patches with the overdue_status OVERDUE in sla_breaches that are not EXCEPTED: a lower
--     bound, since patches_not_known lists the nodes and targets whose lines are not known. NULL if the newest run did
--     not read patches, or listed no node or target of the row. All columns about lines are NULL, never 0, if nothing is
--     known of the patches of the row: the history has no line, and the newest run read no node that is COMPLIANT or
--     whose patches it read.
--   lines_possibly_overdue: Those that are POSSIBLY_OVERDUE and not EXCEPTED. This and the next two are NULL if the
--     newest run did not read patches.
--   lines_excepted: Those that are EXCEPTED, whether overdue or possibly overdue.
--   lines_exception_expired: Those of lines_overdue and lines_possibly_overdue that are EXCEPTION_EXPIRED.
--   nodes_overdue: Nodes with at least one line of lines_overdue: a lower bound. NULL if lines_overdue is NULL.
--   lines_begun: The streaks of lines in the last HistoryDays days: the cohort of all months in remediation.
--   lines_remediated: Those that are REMEDIATED.
--   median_days: As in remediation, for this cohort. NULL if the cohort has no line.
-- Caveats:
--   - lines_overdue and nodes_overdue are lower bounds if no exception depends on a tag or CVE that was not read, and no
--     line was resolved and opened again while no run read it: see sla_breaches and patch_clocks.
--   - Whose patches a PARTIAL run read is known by the lines and the COMPLIANT nodes only: a row of other nodes without
--     a line has NULL in the columns about lines, even if their patches were read.
--   - The patch group of a line is that of its node when its state was last read, within the last HistoryDays days.
--   - Each account, group or value is in one row. Add up the rows of one scope only; for TAG, those of one key only.
WITH breaches AS (
  SELECT
    scopes.scope,
    CASE scopes.scope WHEN 'ACCOUNT' THEN breach.account_id END AS account_id,
    CASE scopes.scope WHEN 'PATCH_GROUP' THEN breach.patch_group END AS patch_group,
    scopes.tag_key,
    CASE
      WHEN scopes.scope = 'TAG'
        THEN CASE WHEN breach.instance_id LIKE 'i-%' THEN coalesce(tag.tag_status, 'NOT_READ') ELSE 'NOT_EC2' END
    END AS tag_status,
    tag.tag_value,
    breach.breach_status,
    CASE breach.breach_status WHEN 'EXCEPTED' THEN 'EXCEPTED' ELSE breach.overdue_status END AS overdue_status,
    breach.account_id || ' ' || breach.region || ' ' || breach.instance_id AS node
  FROM sla_breaches AS breach
  CROSS JOIN scopes
  LEFT JOIN node_tags AS tag
    ON tag.tag_key = scopes.tag_key
    AND tag.account_id = breach.account_id
    AND tag.region = breach.region
    AND tag.instance_id = breach.instance_id
),
compliance AS (
  SELECT
    'FLEET' AS scope, CAST(NULL AS varchar) AS account_id, CAST(NULL AS varchar) AS account_name,
    CAST(NULL AS varchar) AS patch_group, CAST(NULL AS varchar) AS tag_key, CAST(NULL AS varchar) AS tag_status,
    CAST(NULL AS varchar) AS tag_value,
    nodes_listed, nodes_compliant, nodes_non_compliant, nodes_unknown, compliant_percent, compliant_percent_lower_bound,
    nodes_listed = 0 AND targets_read = targets_total AND targets_not_planned = 0 AND coalesce(rows_without_id, 0) = 0
      AS is_empty
  FROM compliance_overall
  UNION ALL
  SELECT
    'ACCOUNT' AS scope, account_id, account_name,
    CAST(NULL AS varchar) AS patch_group, CAST(NULL AS varchar) AS tag_key, CAST(NULL AS varchar) AS tag_status,
    CAST(NULL AS varchar) AS tag_value,
    nodes_listed, nodes_compliant, nodes_non_compliant, nodes_unknown, compliant_percent, compliant_percent_lower_bound,
    nodes_listed = 0 AND targets_read = targets_total AND targets_not_planned = 0 AND coalesce(rows_without_id, 0) = 0
      AS is_empty
  FROM compliance_by_account
  UNION ALL
  SELECT
    'PATCH_GROUP' AS scope, CAST(NULL AS varchar) AS account_id, CAST(NULL AS varchar) AS account_name,
    patch_group, CAST(NULL AS varchar) AS tag_key, CAST(NULL AS varchar) AS tag_status,
    CAST(NULL AS varchar) AS tag_value,
    nullif(nodes_listed, 0) AS nodes_listed,
    CASE WHEN nodes_listed > 0 THEN nodes_compliant END AS nodes_compliant,
    CASE WHEN nodes_listed > 0 THEN nodes_non_compliant END AS nodes_non_compliant,
    CASE WHEN nodes_listed > 0 THEN nodes_unknown END AS nodes_unknown,
    compliant_percent, compliant_percent_lower_bound,
    false AS is_empty
  FROM compliance_by_patch_group
  UNION ALL
  SELECT
    'TAG' AS scope, CAST(NULL AS varchar) AS account_id, CAST(NULL AS varchar) AS account_name,
    CAST(NULL AS varchar) AS patch_group, tag_key, tag_status, tag_value,
    nullif(nodes_listed, 0) AS nodes_listed,
    CASE WHEN nodes_listed > 0 THEN nodes_compliant END AS nodes_compliant,
    CASE WHEN nodes_listed > 0 THEN nodes_non_compliant END AS nodes_non_compliant,
    CASE WHEN nodes_listed > 0 THEN nodes_unknown END AS nodes_unknown,
    compliant_percent, compliant_percent_lower_bound,
    false AS is_empty
  FROM compliance_by_tag
  WHERE tag_key IS NOT NULL
),
cards AS (
  SELECT
    scope, account_id, account_name, patch_group, tag_key, tag_status, tag_value,
    nodes_listed, nodes_compliant, nodes_non_compliant, nodes_unknown, compliant_percent, compliant_percent_lower_bound,
    is_empty,
    CAST(NULL AS varchar) AS breach_status, CAST(NULL AS varchar) AS overdue_status, CAST(NULL AS varchar) AS node,
    CAST(NULL AS bigint) AS lines_begun, CAST(NULL AS bigint) AS lines_remediated, CAST(NULL AS bigint) AS median_days
  FROM compliance
  UNION ALL
  SELECT
    scope, account_id, CAST(NULL AS varchar) AS account_name, patch_group, tag_key, tag_status, tag_value,
    CAST(NULL AS bigint) AS nodes_listed, CAST(NULL AS bigint) AS nodes_compliant,
    CAST(NULL AS bigint) AS nodes_non_compliant, CAST(NULL AS bigint) AS nodes_unknown,
    CAST(NULL AS double) AS compliant_percent, CAST(NULL AS double) AS compliant_percent_lower_bound, false AS is_empty,
    breach_status, overdue_status, node,
    CAST(NULL AS bigint) AS lines_begun, CAST(NULL AS bigint) AS lines_remediated, CAST(NULL AS bigint) AS median_days
  FROM breaches
  UNION ALL
  SELECT
    scope, account_id, account_name, patch_group,
    CAST(NULL AS varchar) AS tag_key, CAST(NULL AS varchar) AS tag_status, CAST(NULL AS varchar) AS tag_value,
    CAST(NULL AS bigint) AS nodes_listed, CAST(NULL AS bigint) AS nodes_compliant,
    CAST(NULL AS bigint) AS nodes_non_compliant, CAST(NULL AS bigint) AS nodes_unknown,
    CAST(NULL AS double) AS compliant_percent, CAST(NULL AS double) AS compliant_percent_lower_bound, false AS is_empty,
    CAST(NULL AS varchar) AS breach_status, CAST(NULL AS varchar) AS overdue_status, CAST(NULL AS varchar) AS node,
    lines AS lines_begun, lines_remediated, median_days
  FROM remediation
  WHERE month IS NULL
  UNION ALL
  SELECT
    'TAG' AS scope, CAST(NULL AS varchar) AS account_id, CAST(NULL AS varchar) AS account_name,
    CAST(NULL AS varchar) AS patch_group, tag_key, tag_status, tag_value,
    CAST(NULL AS bigint) AS nodes_listed, CAST(NULL AS bigint) AS nodes_compliant,
    CAST(NULL AS bigint) AS nodes_non_compliant, CAST(NULL AS bigint) AS nodes_unknown,
    CAST(NULL AS double) AS compliant_percent, CAST(NULL AS double) AS compliant_percent_lower_bound, false AS is_empty,
    CAST(NULL AS varchar) AS breach_status, CAST(NULL AS varchar) AS overdue_status, CAST(NULL AS varchar) AS node,
    lines AS lines_begun, lines_remediated, median_days
  FROM remediation_by_tag
  WHERE month IS NULL
),
scored AS (
  SELECT
    scope, account_id, patch_group, tag_key, tag_status, tag_value,
    max(account_name) AS account_name,
    max(nodes_listed) AS nodes_listed,
    max(nodes_compliant) AS nodes_compliant,
    max(nodes_non_compliant) AS nodes_non_compliant,
    max(nodes_unknown) AS nodes_unknown,
    max(compliant_percent) AS compliant_percent,
    max(compliant_percent_lower_bound) AS compliant_percent_lower_bound,
    count_if(overdue_status = 'OVERDUE') AS lines_overdue,
    count_if(overdue_status = 'POSSIBLY_OVERDUE') AS lines_possibly_overdue,
    count_if(overdue_status = 'EXCEPTED') AS lines_excepted,
    count_if(breach_status = 'EXCEPTION_EXPIRED') AS lines_exception_expired,
    count(DISTINCT CASE WHEN overdue_status = 'OVERDUE' THEN node END) AS nodes_overdue,
    count_if(is_empty) > 0 AS is_empty,
    max(lines_begun) AS lines_begun,
    max(lines_remediated) AS lines_remediated,
    max(median_days) AS median_days
  FROM cards
  GROUP BY scope, account_id, patch_group, tag_key, tag_status, tag_value
),
known AS (
  SELECT
    run.run_id, run.run_at, run.run_date, run.run_status, run.run_age_hours, run.run_coverage, run.patches_status,
    scored.scope, scored.account_id, scored.account_name, scored.patch_group,
    scored.tag_key, scored.tag_status, scored.tag_value,
    scored.nodes_listed, scored.nodes_compliant, scored.nodes_non_compliant, scored.nodes_unknown,
    scored.compliant_percent, scored.compliant_percent_lower_bound,
    scored.lines_overdue, scored.lines_possibly_overdue, scored.lines_excepted, scored.lines_exception_expired,
    scored.nodes_overdue, scored.lines_begun, scored.lines_remediated, scored.median_days,
    run.patches_status IN ('COMPLETE', 'PARTIAL') AS are_patches_read,
    coalesce(
      scored.lines_begun > 0
      OR run.patches_status IN ('COMPLETE', 'PARTIAL') AND (scored.is_empty OR scored.nodes_compliant > 0)
      OR run.patches_status = 'COMPLETE' AND scored.nodes_non_compliant > 0,
      false
    ) AS are_lines_known
  FROM scored
  CROSS JOIN latest_run AS run
  WHERE run.run_id IS NOT NULL
)
SELECT
  run_id,
  run_at,
  run_date,
  run_status,
  run_age_hours,
  run_coverage,
  patches_status,
  scope,
  account_id,
  account_name,
  patch_group,
  tag_key,
  tag_status,
  tag_value,
  nodes_listed,
  nodes_compliant,
  nodes_non_compliant,
  nodes_unknown,
  compliant_percent,
  compliant_percent_lower_bound,
  CASE WHEN are_patches_read AND are_lines_known AND nodes_listed IS NOT NULL THEN lines_overdue END AS lines_overdue,
  CASE WHEN are_patches_read AND are_lines_known THEN lines_possibly_overdue END AS lines_possibly_overdue,
  CASE WHEN are_patches_read AND are_lines_known THEN lines_excepted END AS lines_excepted,
  CASE WHEN are_patches_read AND are_lines_known THEN lines_exception_expired END AS lines_exception_expired,
  CASE WHEN are_patches_read AND are_lines_known AND nodes_listed IS NOT NULL THEN nodes_overdue END AS nodes_overdue,
  CASE WHEN are_lines_known THEN coalesce(lines_begun, 0) END AS lines_begun,
  CASE WHEN are_lines_known THEN coalesce(lines_remediated, 0) END AS lines_remediated,
  median_days
FROM known
