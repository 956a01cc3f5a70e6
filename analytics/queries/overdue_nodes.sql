-- Question 15: Which nodes have been non-compliant for longer than the SLA allows?
-- Rows: one per node that has been non-compliant for more than N days, the longest first.
-- Parameters:
--   days: N, the days that the SLA allows, such as 30.
-- Caveats:
--   - It is the age of the node's state as seen here, not of a patch. Where is_lower_bound is true, the age may be
--     higher.
--   - The window limits the age that can be seen: it must be longer than the SLA.
SELECT
  account_id,
  region,
  instance_id,
  computer_name,
  platform_name,
  patch_group,
  baseline_id,
  compliance_status,
  unknown_reason,
  non_compliant_since,
  last_non_compliant_at,
  days_non_compliant,
  is_lower_bound,
  days_unobserved,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM days_non_compliant
WHERE days_non_compliant > CAST(? AS integer)
ORDER BY days_non_compliant DESC, account_id, region, instance_id
