-- Question: Which patches does each node still need?
-- Rows: one per node in the newest published run and patch that is Missing, Failed or InstalledPendingReboot.
-- Caveats:
--   - patches_not_known lists the nodes and targets that may need patches that this view does not show.
--   - A security update that the baseline has not approved (AvailableSecurityUpdate) is not open: it is in
--     latest_patches.
SELECT
  run_id,
  run_at,
  run_date,
  run_status,
  run_age_hours,
  run_coverage,
  patches_status,
  account_id,
  account_name,
  region,
  instance_id,
  computer_name,
  platform_type,
  platform_name,
  platform_version,
  patch_group,
  baseline_id,
  kb_id,
  title,
  classification,
  severity,
  severity_rank,
  state,
  installed_time,
  cve_ids,
  operation_end_time,
  is_stale
FROM latest_patches
WHERE is_open
