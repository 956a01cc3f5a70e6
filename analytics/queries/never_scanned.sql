-- Question 10: Which nodes were never scanned?
-- Rows: one per node in the newest published run for which SSM has no patch state.
-- Caveats:
--   - The patch group and the baseline of such a node are not known: SSM reports them with the patch state.
SELECT
  account_id,
  region,
  instance_id,
  computer_name,
  platform_type,
  platform_name,
  platform_version,
  agent_version,
  ping_status,
  last_ping_date_time,
  association_status,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_patch_states
WHERE collection_status = 'NO_PATCH_STATE'
ORDER BY account_id, region, instance_id
