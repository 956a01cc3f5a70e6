-- Question 31: Which patches are overdue by our own deadlines, and which of them have an exception?
-- Rows: one per node and line of patches that is past its deadline, or may be, and one per target and node whose
--   patches are not known: the UNKNOWN ones first, then the most severe, then the longest overdue.
-- Columns:
--   answer: KNOWN, or UNKNOWN for a line that may not be past its deadline, and for a target or node whose patches are
--     not known.
--   reason: Why the answer is UNKNOWN: as in sla_breaches, or as in patches_not_known for a row without a line. NULL
--     otherwise.
-- Caveats:
--   - A line with an exception is still open, and its node is not compliant.
--   - policy_problems lists the bad rows of the policy: a bad exception has no effect, and a bad deadline may make the
--     others stricter.
SELECT
  CASE WHEN breach.overdue_status = 'OVERDUE' THEN 'KNOWN' ELSE 'UNKNOWN' END AS answer,
  breach.reason,
  breach.breach_status,
  breach.account_id,
  breach.account_name,
  breach.region,
  breach.instance_id,
  breach.computer_name,
  breach.platform_name,
  breach.patch_group,
  breach.line,
  breach.severity,
  breach.severity_rank,
  breach.opened_at,
  breach.days_open,
  breach.is_lower_bound,
  breach.strictest_days,
  breach.longest_days,
  breach.excepted_until,
  breach.run_id,
  breach.run_status,
  breach.run_age_hours,
  breach.run_coverage
FROM sla_breaches AS breach
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  reason,
  CAST(NULL AS varchar) AS breach_status,
  account_id,
  account_name,
  region,
  instance_id,
  computer_name,
  platform_name,
  patch_group,
  CAST(NULL AS varchar) AS line,
  CAST(NULL AS varchar) AS severity,
  CAST(NULL AS integer) AS severity_rank,
  CAST(NULL AS timestamp) AS opened_at,
  CAST(NULL AS bigint) AS days_open,
  CAST(NULL AS boolean) AS is_lower_bound,
  CAST(NULL AS integer) AS strictest_days,
  CAST(NULL AS integer) AS longest_days,
  CAST(NULL AS varchar) AS excepted_until,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM patches_not_known
ORDER BY answer DESC, severity_rank DESC NULLS FIRST, days_open DESC NULLS FIRST, account_id, region, line, instance_id
