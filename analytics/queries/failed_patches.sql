-- Question 20: Which patches failed to install, and on which nodes?
-- Rows: one per node in the newest published run and patch that failed, and one per target and node whose patches are
--   not known, which come first.
-- Columns:
--   answer: KNOWN, or UNKNOWN for a target or a node whose patches are not known.
--   reason: Why the answer is UNKNOWN, as in patches_not_known; NULL otherwise.
-- Caveats:
--   - SSM has only the failures of the last operation; failed_installs has the counts of the same nodes.
SELECT
  'KNOWN' AS answer,
  CAST(NULL AS varchar) AS reason,
  patch.account_id,
  patch.account_name,
  patch.region,
  patch.instance_id,
  patch.computer_name,
  patch.platform_name,
  patch.patch_group,
  patch.kb_id,
  patch.title,
  patch.classification,
  patch.severity,
  patch.state,
  patch.operation_end_time,
  patch.run_id,
  patch.run_status,
  patch.run_age_hours,
  patch.run_coverage
FROM open_patches AS patch
WHERE patch.state = 'Failed'
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  reason,
  account_id,
  account_name,
  region,
  instance_id,
  computer_name,
  platform_name,
  patch_group,
  CAST(NULL AS varchar) AS kb_id,
  CAST(NULL AS varchar) AS title,
  CAST(NULL AS varchar) AS classification,
  CAST(NULL AS varchar) AS severity,
  CAST(NULL AS varchar) AS state,
  CAST(NULL AS timestamp) AS operation_end_time,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM patches_not_known
ORDER BY answer DESC, account_id, region, kb_id, title, instance_id
