-- Question 29: Which nodes have needed a patch for longer than N days?
-- Rows: one per node and line of patches that has been open, or may have been open, for more than N days, and one per
--   target and node whose patches are not known: the UNKNOWN ones first, then those open the longest.
-- Parameters:
--   days (days, such as 30): N, the days that a patch may be open.
-- Columns:
--   answer: KNOWN, or UNKNOWN if the newest run did not read whether the node needs the patch, and for a target or node
--     whose patches are not known.
--   reason: Why the answer is UNKNOWN, as in patches_not_known, or NOT_READ: the line was open when the patches of the
--     node were last read. NULL otherwise.
--   age_status: LONGER: for more than N days. POSSIBLY_LONGER: the lake shows at most N days, but the actual age may be
--     higher than N. NULL for an UNKNOWN row without a line.
-- Caveats:
--   - The age is that of the line: a cumulative update that replaces another one does not reset it.
--   - The history (HistoryDays) and the age of the lake limit the age that can be seen. A line that was open throughout
--     a history of at most N days is POSSIBLY_LONGER.
WITH asked AS (
  /* With the sign in front, a negative number is refused, and so is a fraction. */
  SELECT CAST('+' || CAST(? AS varchar) AS integer) AS days
)
SELECT
  CASE WHEN line.is_confirmed THEN 'KNOWN' ELSE 'UNKNOWN' END AS answer,
  CASE WHEN NOT line.is_confirmed THEN 'NOT_READ' END AS reason,
  CASE WHEN line.days_open > asked.days THEN 'LONGER' ELSE 'POSSIBLY_LONGER' END AS age_status,
  line.account_id,
  line.account_name,
  line.region,
  line.instance_id,
  line.computer_name,
  line.platform_name,
  line.patch_group,
  line.line,
  line.severity,
  line.opened_at,
  line.last_open_at,
  line.days_open,
  line.is_lower_bound,
  line.most_days_open,
  line.run_id,
  line.run_status,
  line.run_age_hours,
  line.run_coverage
FROM line_age AS line
CROSS JOIN asked
WHERE line.outcome = 'OPEN'
  AND (line.days_open > asked.days OR line.most_days_open > asked.days OR line.most_days_open IS NULL)
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  reason,
  CAST(NULL AS varchar) AS age_status,
  account_id,
  account_name,
  region,
  instance_id,
  computer_name,
  platform_name,
  patch_group,
  CAST(NULL AS varchar) AS line,
  CAST(NULL AS varchar) AS severity,
  CAST(NULL AS timestamp) AS opened_at,
  CAST(NULL AS timestamp) AS last_open_at,
  CAST(NULL AS bigint) AS days_open,
  CAST(NULL AS boolean) AS is_lower_bound,
  CAST(NULL AS bigint) AS most_days_open,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM patches_not_known
ORDER BY answer DESC, days_open DESC NULLS FIRST, account_id, region, line, instance_id
