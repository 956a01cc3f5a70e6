-- Question 4: Which nodes are non-compliant, and against which baseline?
-- Rows: one per NON_COMPLIANT node in the newest published run, most critical patches first.
-- Caveats:
--   - A node with an old scan (is_stale) is still non-compliant.
SELECT
  account_id,
  region,
  instance_id,
  computer_name,
  platform_name,
  platform_version,
  patch_group,
  baseline_id,
  critical_non_compliant_count,
  security_non_compliant_count,
  other_non_compliant_count,
  missing_count,
  failed_count,
  installed_rejected_count,
  installed_pending_reboot_count,
  operation_end_time,
  is_stale,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_patch_states
WHERE compliance_status = 'NON_COMPLIANT'
ORDER BY critical_non_compliant_count DESC NULLS LAST, security_non_compliant_count DESC NULLS LAST,
  missing_count DESC NULLS LAST, account_id, region, instance_id
