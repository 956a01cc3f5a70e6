-- Question 28: Which patches have been open for the longest, in which account, and how severe are they?
-- Rows: one per account, line of patches and severity that the newest published run saw open on a node, the
--   longest-open first; before these, one row per target and reason why patches are not known.
-- Columns:
--   answer: KNOWN for a line, UNKNOWN for nodes of a target whose patches are not known.
--   reason: Why the answer is UNKNOWN, as in patches_not_known; NULL otherwise.
--   account_id: The account.
--   account_name: As in coverage.
--   region: The region of the target; NULL for a line.
--   severity: As in patch_clocks; NULL for an UNKNOWN row.
--   opened_at: As in patch_clocks, for the node that has needed it the longest; NULL for an UNKNOWN row.
--   days_open: As in patch_clocks, for that node; NULL for an UNKNOWN row.
--   is_lower_bound: Whether it may be older on one of these nodes; NULL for an UNKNOWN row.
--   nodes: The nodes that the newest run saw without it. In an UNKNOWN row, the nodes whose patches are not known, or
--     NULL if their number is not known either.
--   nodes_unread: Nodes that lacked it when they were last read, but whose patches the newest run did not read; NULL
--     for an UNKNOWN row.
-- Caveats:
--   - A line is a series of patches that replace each other: next month's cumulative update does not reset its age.
--   - The history (HistoryDays) and the age of the lake limit the age that can be seen.
SELECT
  'KNOWN' AS answer,
  CAST(NULL AS varchar) AS reason,
  account_id,
  account_name,
  CAST(NULL AS varchar) AS region,
  line,
  severity,
  min(CASE WHEN is_confirmed THEN opened_at END) AS opened_at,
  max(CASE WHEN is_confirmed THEN days_open END) AS days_open,
  count_if(is_confirmed AND is_lower_bound) > 0 AS is_lower_bound,
  count_if(is_confirmed) AS nodes,
  count_if(NOT is_confirmed) AS nodes_unread,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM line_age
WHERE outcome = 'OPEN'
GROUP BY account_id, account_name, line, severity, run_id, run_status, run_age_hours, run_coverage
HAVING count_if(is_confirmed) > 0
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  reason,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS line,
  CAST(NULL AS varchar) AS severity,
  CAST(NULL AS timestamp) AS opened_at,
  CAST(NULL AS bigint) AS days_open,
  CAST(NULL AS boolean) AS is_lower_bound,
  sum(nodes) AS nodes,
  CAST(NULL AS bigint) AS nodes_unread,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM patches_not_known
GROUP BY reason, account_id, account_name, region, run_id, run_status, run_age_hours, run_coverage
ORDER BY answer DESC, days_open DESC, nodes DESC NULLS FIRST, line, severity, reason, account_id, region
