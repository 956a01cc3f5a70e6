-- Question 15: Which nodes have been non-compliant for longer than the SLA allows?
-- Rows: one per node that has, or may have, been non-compliant for more than N days: first the OVERDUE ones, then those
--   with the longest time.
-- Parameters:
--   days (days, such as 30): N, the days that the SLA allows.
-- Columns:
--   overdue_status: OVERDUE: the newest published run saw it NON_COMPLIANT, and it has been NON_COMPLIANT for more than
--     N days. POSSIBLY_OVERDUE: it has been for more than N days, but its state is now UNKNOWN; or the lake shows at
--     most N days, but the actual age may be higher than N.
-- Caveats:
--   - This is the age of the node's state as seen here, not of a patch. If is_lower_bound is true, the age may be
--     higher.
--   - The window and the age of the lake limit the age that can be seen. A node that was non-compliant throughout a
--     history of at most N days is POSSIBLY_OVERDUE.
--   - A node that no run in the window saw NON_COMPLIANT has no row, even if its state is UNKNOWN.
--   - A node that its target no longer lists has no row either: changes shows it as VANISHED. If the listing has rows
--     without an id (run_coverage), the node may be one of them and still be overdue: the run is then PARTIAL, and
--     not_read shows the rows.
WITH asked AS (
  /* With the sign in front, a negative number is refused, and so is a fraction. */
  SELECT CAST('+' || CAST(? AS varchar) AS integer) AS days
)
SELECT
  CASE
    WHEN node.compliance_status = 'NON_COMPLIANT' AND node.days_non_compliant > asked.days THEN 'OVERDUE'
    ELSE 'POSSIBLY_OVERDUE'
  END AS overdue_status,
  node.account_id,
  node.region,
  node.instance_id,
  node.computer_name,
  node.platform_name,
  node.patch_group,
  node.baseline_id,
  node.compliance_status,
  node.unknown_reason,
  node.non_compliant_since,
  node.last_non_compliant_at,
  node.days_non_compliant,
  node.is_lower_bound,
  node.most_days_non_compliant,
  node.days_unobserved,
  node.run_id,
  node.run_status,
  node.run_age_hours,
  node.run_coverage
FROM days_non_compliant AS node
CROSS JOIN asked
WHERE node.most_days_non_compliant > asked.days OR node.most_days_non_compliant IS NULL
ORDER BY overdue_status, days_non_compliant DESC, account_id, region, instance_id
