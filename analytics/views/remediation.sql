-- Question: How long does it take to remediate the lines of patches that opened in a month?
-- Rows: one per month and severity for the fleet, each account and each patch group, and for each of these one over all
--   months and severities.
-- Columns:
--   scope: FLEET for all nodes, ACCOUNT for those of an account, PATCH_GROUP for those of a patch group.
--   account_id: The account of an ACCOUNT; NULL otherwise.
--   account_name: As in patch_clocks; NULL without an account_id.
--   patch_group: The patch group of a PATCH_GROUP, from the last time that the node's state was read; NULL if it is not
--     known, and for the other scopes.
--   month: As in line_cohorts.
--   severity: As in line_cohorts.
--   severity_rank: As in line_cohorts.
--   lines: The cohort: the streaks of lines that began in the month.
--   lines_remediated: Lines of the cohort that are REMEDIATED; the next four also count lines of the cohort.
--   lines_open: Those that are OPEN.
--   lines_rescoped: Those that are RESCOPED.
--   lines_gone: Those whose node is gone.
--   lines_older: Those whose age is a lower bound, since they were already open when they were first seen.
--   median_days: At least half of the cohort took, or has taken so far, this many days or more, with days as in
--     line_cohorts.
--   p90_days: The same for the slowest tenth.
-- Caveats:
--   - Only REMEDIATED counts as remediation: a patch that a new baseline no longer requires does not count, and neither
--     does a node that is gone.
--   - As long as lines of a cohort are open, its median can only rise.
--   - If no run read a node for some days, its lines count until the first scan after the gap, so the median may be too
--     high by that gap.
--   - The first month of the history also includes lines that were already open when it began.
--   - A line is in one row per scope. Add up the rows of one scope only.
--   - remediation_by_tag has the same figures by tag value.
--   - patches_not_known lists the nodes and targets whose lines this view does not show.
WITH cohort AS (
  SELECT
    line.run_id, line.run_at, line.run_date, line.run_status, line.run_age_hours, line.run_coverage, line.patches_status,
    fixed.scope,
    CASE fixed.scope WHEN 'ACCOUNT' THEN line.account_id END AS account_id,
    CASE fixed.scope WHEN 'ACCOUNT' THEN line.account_name END AS account_name,
    CASE fixed.scope WHEN 'PATCH_GROUP' THEN line.patch_group END AS patch_group,
    line.month, line.severity, line.severity_rank, line.outcome, line.is_lower_bound, line.days
  FROM line_cohorts AS line
  CROSS JOIN (VALUES ('FLEET'), ('ACCOUNT'), ('PATCH_GROUP')) AS fixed (scope)
),
ranked AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
    scope, account_id, patch_group, account_name, month, severity, severity_rank,
    outcome, is_lower_bound, days,
    row_number() OVER (PARTITION BY scope, account_id, patch_group, month, severity_rank ORDER BY days) AS place,
    count(*) OVER (PARTITION BY scope, account_id, patch_group, month, severity_rank) AS lines
  FROM cohort
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
  max(account_name) AS account_name,
  patch_group,
  month,
  severity,
  severity_rank,
  count(*) AS lines,
  count_if(outcome = 'REMEDIATED') AS lines_remediated,
  count_if(outcome = 'OPEN') AS lines_open,
  count_if(outcome = 'RESCOPED') AS lines_rescoped,
  count_if(outcome = 'NODE_GONE') AS lines_gone,
  count_if(is_lower_bound) AS lines_older,
  /* The nearest rank: the first line, in order, that completes the required share of the cohort. */
  min(CASE WHEN place * 2 >= lines THEN days END) AS median_days,
  min(CASE WHEN place * 10 >= lines * 9 THEN days END) AS p90_days
FROM ranked
GROUP BY
  run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
  scope, account_id, patch_group, month, severity, severity_rank
