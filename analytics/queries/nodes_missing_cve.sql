-- Question 17: Which nodes lack a patch that resolves a CVE?
-- Rows: one per node in the newest published run and patch for the CVE that it needs or could get, and one per target
--   and node whose patches are not known, which come first.
-- Empty: no node whose patches are known lacks a patch for which SSM names the CVE.
-- Parameters:
--   cve (cve, such as CVE-2026-1234): The CVE.
-- Columns:
--   answer: KNOWN, or UNKNOWN for a target or a node whose patches are not known.
--   reason: Why the answer is UNKNOWN, as in patches_not_known, or CVES_NOT_NAMED: the node awaits a reboot for a patch
--     whose CVEs no run has named; NULL otherwise.
--   is_open: As in latest_patches; false for an AvailableSecurityUpdate, which the node's baseline has not approved.
-- Caveats:
--   - SSM names the CVEs of a patch only for nodes that lack it or failed to install it. A patch that no baseline has
--     ever approved has none here.
--   - The query shows which nodes lack a patch that SSM knows, not which nodes are vulnerable.
WITH asked AS (
  SELECT upper(CAST(? AS varchar)) AS cve
),
resolving AS (
  SELECT DISTINCT patch_cves.kb_id, patch_cves.title
  FROM patch_cves
  JOIN asked ON asked.cve = upper(patch_cves.cve)
),
named AS (
  SELECT kb_id, title
  FROM patch_cves
  UNION
  SELECT kb_id, title
  FROM node_patches
  WHERE state IN ('Missing', 'Failed') AND is_known
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
JOIN resolving ON resolving.kb_id = patch.kb_id AND resolving.title = patch.title
WHERE patch.is_open OR patch.state = 'AvailableSecurityUpdate'
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  'CVES_NOT_NAMED' AS reason,
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
LEFT JOIN named ON named.kb_id = patch.kb_id AND named.title = patch.title
WHERE patch.is_open AND patch.is_known AND named.kb_id IS NULL
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
