-- Question 18: Which nodes lack a patch?
-- Rows: one per node in the newest published run and patch of that id that it needs or could get, and one per target
--   and node whose patches are not known, which come first.
-- Empty: no node whose patches are known lacks a patch of that id.
-- Parameters:
--   kb_id (patch, such as KB5034441): The id of the patch: a KB number on Windows, a package name elsewhere.
-- Columns:
--   answer: KNOWN, or UNKNOWN for a target or a node whose patches are not known.
--   reason: Why the answer is UNKNOWN, as in patches_not_known; NULL otherwise.
--   is_open: As in latest_patches; false for an AvailableSecurityUpdate, which the node's baseline has not approved.
-- Caveats:
--   - An id may have several titles, such as the versions of a package.
--   - A node without a row has the patch, does not need it, or has a baseline that does not require it.
WITH asked AS (
  SELECT upper(CAST(? AS varchar)) AS kb_id
)
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
  patch.is_open,
  patch.operation_end_time,
  patch.run_id,
  patch.run_status,
  patch.run_age_hours,
  patch.run_coverage
FROM latest_patches AS patch
JOIN asked ON asked.kb_id = upper(patch.kb_id)
WHERE patch.is_open OR patch.state = 'AvailableSecurityUpdate'
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
  CAST(NULL AS boolean) AS is_open,
  CAST(NULL AS timestamp) AS operation_end_time,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM patches_not_known
ORDER BY answer DESC, account_id, region, kb_id, title, instance_id
