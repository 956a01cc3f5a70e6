-- Question 5: Which nodes are compliant, as evidence?
-- Rows: one per COMPLIANT node in the newest published run.
-- Caveats:
--   - COMPLIANT is measured against the node's own baseline, by the rule with this policy_version.
--   - docs/evidence.md shows how to find the object, its version and its checksum for a row.
SELECT
  account_id,
  region,
  instance_id,
  computer_name,
  platform_name,
  platform_version,
  patch_group,
  baseline_id,
  snapshot_id,
  installed_count,
  operation,
  operation_end_time,
  collected_at,
  scan_age_days,
  scan_max_age_days,
  policy_version,
  run_id,
  run_at,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_patch_states
WHERE compliance_status = 'COMPLIANT'
ORDER BY account_id, region, instance_id
