-- Question: Do the patches of each node match the counts of its patch state?
-- Rows: one per node of each published run in the window that has a patch state, and for which a patch was read or one
--   of the four counts is not 0.
-- Columns:
--   check_status: The first value that applies. NOT_COMPARABLE: the patches of the node, or one of its four counts, are
--     not known. EQUAL: each of the four counts equals its number of rows. RESCANNED: they differ, and a later run
--     shows a scan that ended between the two answers of SSM. DIFFERS: they differ, and no later run explains it.
--   patches_status: As in target_runs.
--   missing_rows: Patches of the node that are Missing; this and the next three are NULL if its patches are not known.
--   failed_rows: Patches of the node that are Failed.
--   installed_pending_reboot_rows: Patches of the node that are InstalledPendingReboot.
--   installed_rejected_rows: Patches of the node that are InstalledRejected.
--   patches_collected_at: When SSM answered about the patches; NULL where it did not.
-- Caveats:
--   - SSM's counts by severity may overlap, so they are not compared.
--   - A difference in the newest run cannot be explained until a later run shows the next scan.
WITH compared AS (
  SELECT
    node.run_id, node.run_at, node.run_date, node.run_status, node.is_latest, node.run_age_hours, node.run_coverage,
    target.patches_status,
    node.account_id, node.region, node.instance_id, node.computer_name, node.collected_at,
    node.missing_count, node.failed_count, node.installed_pending_reboot_count, node.installed_rejected_count,
    node.patches_collected_at,
    coalesce(node.rows_not_known = 0, target.patches_status IN ('COMPLETE', 'PARTIAL')) AS is_known,
    node.are_equal AS is_equal,
    node.missing_rows, node.failed_rows, node.installed_pending_reboot_rows, node.installed_rejected_rows
  FROM node_patch_counts AS node
  JOIN target_runs AS target
    ON target.run_id = node.run_id AND target.account_id = node.account_id AND target.region = node.region
  WHERE node.rows_not_known IS NOT NULL OR NOT coalesce(node.are_zero, false)
),
rescanned AS (
  SELECT DISTINCT counts.run_id, counts.account_id, counts.region, counts.instance_id
  FROM node_patch_counts AS counts
  JOIN node_compliance AS later
    ON later.account_id = counts.account_id
    AND later.region = counts.region
    AND later.instance_id = counts.instance_id
  WHERE NOT counts.are_equal
    AND later.run_id > counts.run_id
    AND later.operation_end_time >= counts.collected_at
    AND later.operation_end_time <= counts.patches_collected_at
)
SELECT
  compared.run_id,
  compared.run_at,
  compared.run_date,
  compared.run_status,
  compared.is_latest,
  compared.run_age_hours,
  compared.run_coverage,
  compared.patches_status,
  compared.account_id,
  compared.region,
  compared.instance_id,
  compared.computer_name,
  CASE
    WHEN NOT compared.is_known
      OR compared.missing_count IS NULL
      OR compared.failed_count IS NULL
      OR compared.installed_pending_reboot_count IS NULL
      OR compared.installed_rejected_count IS NULL THEN 'NOT_COMPARABLE'
    WHEN compared.is_equal THEN 'EQUAL'
    WHEN rescanned.instance_id IS NOT NULL THEN 'RESCANNED'
    ELSE 'DIFFERS'
  END AS check_status,
  compared.missing_count,
  CASE WHEN compared.is_known THEN compared.missing_rows END AS missing_rows,
  compared.failed_count,
  CASE WHEN compared.is_known THEN compared.failed_rows END AS failed_rows,
  compared.installed_pending_reboot_count,
  CASE WHEN compared.is_known THEN compared.installed_pending_reboot_rows END AS installed_pending_reboot_rows,
  compared.installed_rejected_count,
  CASE WHEN compared.is_known THEN compared.installed_rejected_rows END AS installed_rejected_rows,
  compared.collected_at,
  compared.patches_collected_at
FROM compared
LEFT JOIN rescanned
  ON rescanned.run_id = compared.run_id
  AND rescanned.account_id = compared.account_id
  AND rescanned.region = compared.region
  AND rescanned.instance_id = compared.instance_id
