-- Question 9: When was each node last scanned, and which were not scanned in N days?
-- Rows: one per node in the newest published run whose last scan is more than N days old or not known: the unknown ones
--   first, then the oldest. If N is 0, all nodes that were not scanned on the same day.
-- Parameters:
--   days (days, such as 7): N, the days since the last scan.
-- Caveats:
--   - The age counts from the end of the last operation, Scan or Install, to SSM's answer.
--   - scan_age_days is NULL for a node that was never scanned, could not be read, or has an invalid scan time:
--     unknown_reason says which.
SELECT
  account_id,
  region,
  instance_id,
  computer_name,
  platform_name,
  patch_group,
  ping_status,
  last_ping_date_time,
  operation,
  operation_end_time,
  scan_age_days,
  compliance_status,
  unknown_reason,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_patch_states
/* With the sign in front, a negative number is refused, and so is a fraction. */
WHERE scan_age_days > CAST('+' || CAST(? AS varchar) AS integer) OR scan_age_days IS NULL
ORDER BY scan_age_days DESC NULLS FIRST, account_id, region, instance_id
