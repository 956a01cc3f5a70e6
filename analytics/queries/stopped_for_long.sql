-- Question 24: Which instances have been stopped for more than N days?
-- Rows: one per EC2 instance that the newest published run listed as stopped and that was, or may have been, stopped
--   for more than N days, one per instance whose state is not known, and one per target whose instances are not known:
--   UNKNOWN rows first, then those stopped the longest.
-- Empty: no instance has been stopped for more than N days.
-- Parameters:
--   days (days, such as 30): N.
-- Columns:
--   answer: KNOWN: stopped for more than N days. UNKNOWN: possibly stopped for more than N days, an instance whose
--     state is not known, or a target whose instances are not known.
--   reason: Why the answer is UNKNOWN: HISTORY_TOO_SHORT: the lake shows that it was stopped for at most N days, but
--     not that it ran before; STATE_NOT_KNOWN: it may be stopped; for a target, as in targets_not_known. NULL
--     otherwise.
-- Caveats:
--   - The time comes from the lake's own history, so the window and the age of the lake limit it. most_days_stopped
--     also takes the last launch into account.
WITH asked AS (
  /* With the sign in front, a negative number is refused, and so is a fraction. */
  SELECT CAST('+' || CAST(? AS varchar) AS integer) AS days
)
SELECT
  CASE WHEN instance.days_stopped > asked.days THEN 'KNOWN' ELSE 'UNKNOWN' END AS answer,
  CASE WHEN instance.days_stopped <= asked.days THEN 'HISTORY_TOO_SHORT' END AS reason,
  instance.account_id,
  instance.account_name,
  instance.region,
  instance.instance_id,
  instance.stopped_since,
  instance.days_stopped,
  instance.is_lower_bound,
  instance.most_days_stopped,
  instance.days_unobserved,
  instance.launch_time,
  instance.state_transition_reason,
  instance.management,
  instance.run_id,
  instance.run_status,
  instance.run_age_hours,
  instance.run_coverage
FROM stopped_instances AS instance
CROSS JOIN asked
WHERE instance.most_days_stopped > asked.days OR instance.most_days_stopped IS NULL
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  instances_reason AS reason,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS instance_id,
  CAST(NULL AS timestamp) AS stopped_since,
  CAST(NULL AS bigint) AS days_stopped,
  CAST(NULL AS boolean) AS is_lower_bound,
  CAST(NULL AS bigint) AS most_days_stopped,
  CAST(NULL AS bigint) AS days_unobserved,
  CAST(NULL AS timestamp) AS launch_time,
  CAST(NULL AS varchar) AS state_transition_reason,
  CAST(NULL AS varchar) AS management,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM targets_not_known
WHERE instances_reason IS NOT NULL
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  'STATE_NOT_KNOWN' AS reason,
  account_id,
  account_name,
  region,
  instance_id,
  CAST(NULL AS timestamp) AS stopped_since,
  CAST(NULL AS bigint) AS days_stopped,
  CAST(NULL AS boolean) AS is_lower_bound,
  CAST(NULL AS bigint) AS most_days_stopped,
  CAST(NULL AS bigint) AS days_unobserved,
  launch_time,
  state_transition_reason,
  management,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM instance_management
WHERE is_latest AND NOT is_state_known
ORDER BY answer DESC, days_stopped DESC NULLS FIRST, account_id, region, instance_id
