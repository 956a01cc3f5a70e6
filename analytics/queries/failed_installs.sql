-- Question 8: On which nodes did patches fail to install?
-- Rows: one per node in the newest published run with failed_count above 0, most patches first.
-- Caveats:
--   - SSM counts only the failures of the last operation. failed_patches names the patches.
SELECT
  account_id,
  region,
  instance_id,
  computer_name,
  platform_name,
  patch_group,
  baseline_id,
  failed_count,
  missing_count,
  operation,
  operation_end_time,
  is_stale,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_patch_states
WHERE failed_count > 0
ORDER BY failed_count DESC, account_id, region, instance_id
