-- Question 7: Which nodes await a reboot?
-- Rows: one per node in the newest published run with installed_pending_reboot_count above 0, most patches first.
-- Caveats:
--   - A reboot after the scan shows only after the next scan. operation_end_time is the end of the last one.
SELECT
  account_id,
  region,
  instance_id,
  computer_name,
  platform_name,
  patch_group,
  installed_pending_reboot_count,
  reboot_option,
  last_no_reboot_install_operation_time,
  operation_end_time,
  is_stale,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_patch_states
WHERE installed_pending_reboot_count > 0
ORDER BY installed_pending_reboot_count DESC, account_id, region, instance_id
