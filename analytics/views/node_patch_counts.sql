-- Question: How many patches of each node were read, by state, and what are the counts of its patch state?
-- Rows: one per node and published run in the window whose patch state was collected.
-- Columns:
--   missing_rows: Patches of the node that are Missing; this and the next three are 0 if none was read.
--   failed_rows: Patches of the node that are Failed.
--   installed_pending_reboot_rows: Patches of the node that are InstalledPendingReboot.
--   installed_rejected_rows: Patches of the node that are InstalledRejected.
--   rows_not_known: Patches of the node whose state is not known, and its rows without a patch. NULL if the run read
--     nothing about the node's patches. A patch with a broken title or CVE list counts by its state.
--   rows_without_name: Patches of the node whose id or title is not known; they may be any patch.
--   rows_with_name: Patches of the node that are open or AvailableSecurityUpdate, and whose id and title are known.
--   patches_collected_at: When SSM answered about the patches; NULL where it did not.
--   are_equal: Whether each of the four counts equals its number of rows; NULL if a count is not known.
--   are_zero: Whether the four counts are 0; NULL if one is not known.
-- Caveats:
--   - If the four counts are 0, SSM is asked about the node only if another count is not 0.
WITH found AS (
  SELECT
    run_id, run_date, account_id, region, instance_id,
    max(collected_at) AS patches_collected_at,
    count_if(state = 'Missing') AS missing_rows,
    count_if(state = 'Failed') AS failed_rows,
    count_if(state = 'InstalledPendingReboot') AS installed_pending_reboot_rows,
    count_if(state = 'InstalledRejected') AS installed_rejected_rows,
    count_if(is_open IS NULL) AS rows_not_known,
    count_if(collection_status = 'COLLECTED' AND (kb_id IS NULL OR title IS NULL)) AS rows_without_name,
    count_if((is_open OR state = 'AvailableSecurityUpdate') AND kb_id IS NOT NULL AND title IS NOT NULL)
      AS rows_with_name
  FROM node_patches
  GROUP BY run_id, run_date, account_id, region, instance_id
)
SELECT
  node.run_id,
  node.run_at,
  node.run_date,
  node.run_status,
  node.is_latest,
  node.run_age_hours,
  node.run_coverage,
  node.account_id,
  node.region,
  node.instance_id,
  node.computer_name,
  node.baseline_id,
  node.install_override_list,
  node.operation_end_time,
  node.scan_age_days,
  node.collected_at,
  node.missing_count,
  coalesce(found.missing_rows, 0) AS missing_rows,
  node.failed_count,
  coalesce(found.failed_rows, 0) AS failed_rows,
  node.installed_pending_reboot_count,
  coalesce(found.installed_pending_reboot_rows, 0) AS installed_pending_reboot_rows,
  node.installed_rejected_count,
  coalesce(found.installed_rejected_rows, 0) AS installed_rejected_rows,
  found.rows_not_known,
  coalesce(found.rows_without_name, 0) AS rows_without_name,
  coalesce(found.rows_with_name, 0) AS rows_with_name,
  found.patches_collected_at,
  node.available_security_update_count,
  node.missing_count = coalesce(found.missing_rows, 0)
    AND node.failed_count = coalesce(found.failed_rows, 0)
    AND node.installed_pending_reboot_count = coalesce(found.installed_pending_reboot_rows, 0)
    AND node.installed_rejected_count = coalesce(found.installed_rejected_rows, 0) AS are_equal,
  node.missing_count = 0
    AND node.failed_count = 0
    AND node.installed_pending_reboot_count = 0
    AND node.installed_rejected_count = 0 AS are_zero
FROM node_compliance AS node
LEFT JOIN found
  ON found.run_id = node.run_id
  AND found.run_date = node.run_date
  AND found.account_id = node.account_id
  AND found.region = node.region
  AND found.instance_id = node.instance_id
WHERE node.collection_status = 'COLLECTED'
