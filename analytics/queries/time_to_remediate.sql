-- Question 30: How long does it take to remediate patches, by month and severity?
-- Rows: one per month and severity of the lines of patches that nodes began to need in that month, the newest month and
--   the most severe first; before these, one row per target and reason why patches are not known.
-- Columns:
--   answer: KNOWN for a cohort, UNKNOWN for nodes of a target whose patches are not known.
--   reason: Why the answer is UNKNOWN, as in patches_not_known; NULL otherwise.
--   account_id: The account of the target; NULL for a cohort.
--   account_name: As in coverage; NULL for a cohort.
--   region: The region of the target; NULL for a cohort.
--   nodes: The nodes whose patches are not known, or NULL if their number is not known either; NULL for a cohort.
-- Caveats:
--   - Lines that are still open count in median_days and p90_days with their days so far, so both can only rise until
--     these end. The view remediation also has these figures by account.
--   - Only REMEDIATED counts as remediation: a patch that a new baseline no longer requires does not count, and neither
--     does a node that is gone.
SELECT
  'KNOWN' AS answer,
  CAST(NULL AS varchar) AS reason,
  account_id,
  account_name,
  CAST(NULL AS varchar) AS region,
  CAST(NULL AS bigint) AS nodes,
  month,
  severity,
  severity_rank,
  lines,
  lines_remediated,
  lines_open,
  lines_rescoped,
  lines_gone,
  lines_older,
  median_days,
  p90_days,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM remediation
WHERE scope = 'FLEET' AND month IS NOT NULL
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  reason,
  account_id,
  account_name,
  region,
  sum(nodes) AS nodes,
  CAST(NULL AS varchar) AS month,
  CAST(NULL AS varchar) AS severity,
  CAST(NULL AS integer) AS severity_rank,
  CAST(NULL AS bigint) AS lines,
  CAST(NULL AS bigint) AS lines_remediated,
  CAST(NULL AS bigint) AS lines_open,
  CAST(NULL AS bigint) AS lines_rescoped,
  CAST(NULL AS bigint) AS lines_gone,
  CAST(NULL AS bigint) AS lines_older,
  CAST(NULL AS bigint) AS median_days,
  CAST(NULL AS bigint) AS p90_days,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM patches_not_known
GROUP BY reason, account_id, account_name, region, run_id, run_status, run_age_hours, run_coverage
ORDER BY answer DESC, month DESC, severity_rank DESC, reason, account_id, region
