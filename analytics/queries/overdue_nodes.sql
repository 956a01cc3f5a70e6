-- Question 15: Which nodes have been non-compliant for longer than the SLA allows?
-- Rows: one per node that has, or may have, been non-compliant for more than N days: the OVERDUE ones, then the longest
--   first.
-- Parameters:
--   days (days, such as 30): N, the days that the SLA allows.
-- Columns:
--   overdue_status: OVERDUE: the newest published run saw it NON_COMPLIANT, and it has been for more than N days.
--     POSSIBLY_OVERDUE: it has been for more than N days, and its state is now UNKNOWN; or it has been for at most N
--     days as seen here, and its age is a lower bound that may be higher than N.
-- Caveats:
--   - It is the age of the node's state as seen here, not of a patch. Where is_lower_bound is true, the age may be
--     higher.
--   - The window, and the lake's own age, limit the age that can be seen. A node that was non-compliant in all of a
--     history of at most N days is POSSIBLY_OVERDUE.
--   - A node that no run of the window saw NON_COMPLIANT has no row, even if its state is UNKNOWN.
--   - A node that its target no longer lists has no row either: changes shows it as VANISHED. Where the listing has
--     rows without an id (run_coverage), it may be one of them and still be overdue: the run is then PARTIAL, and
--     not_read has the rows.
WITH asked AS (
  /* With the sign, a negative number is no number, as a fraction is none. */
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
