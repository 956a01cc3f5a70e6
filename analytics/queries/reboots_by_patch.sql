-- Question 21: Which patches await a reboot, and on how many nodes?
-- Rows: one per patch for which a node in the newest published run awaits a reboot, most nodes first; before these, one
--   per target and reason why patches are not known.
-- Columns:
--   answer: KNOWN for a patch, UNKNOWN for nodes of a target whose patches are not known.
--   reason: Why the answer is UNKNOWN, as in patches_not_known; NULL otherwise.
--   account_id: The account of the target; NULL for a patch.
--   account_name: As in coverage; NULL for a patch.
--   region: The region of the target; NULL for a patch.
--   severity: As in patches_overview; NULL for an UNKNOWN row.
--   nodes: The nodes where the patch is known to await a reboot. In an UNKNOWN row, the nodes whose patches are not
--     known, or NULL if their number is not known either.
-- Caveats:
--   - A reboot after the scan shows only after the next scan.
SELECT
  'KNOWN' AS answer,
  CAST(NULL AS varchar) AS reason,
  CAST(NULL AS varchar) AS account_id,
  CAST(NULL AS varchar) AS account_name,
  CAST(NULL AS varchar) AS region,
  kb_id,
  title,
  classification,
  severity,
  nodes_awaiting_reboot AS nodes,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM patches_overview
WHERE nodes_awaiting_reboot > 0
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  reason,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS kb_id,
  CAST(NULL AS varchar) AS title,
  CAST(NULL AS varchar) AS classification,
  CAST(NULL AS varchar) AS severity,
  sum(nodes) AS nodes,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM patches_not_known
GROUP BY reason, account_id, account_name, region, run_id, run_status, run_age_hours, run_coverage
ORDER BY answer DESC, nodes DESC NULLS FIRST, kb_id, title, reason, account_id, region
