-- Question 14: What changed since the last run?
-- Rows: one per node that is new, vanished or in another state, and one per active target that could not be compared.
-- Caveats:
--   - Each target is compared with its own last listing.
SELECT
  change,
  account_id,
  region,
  instance_id,
  computer_name,
  platform_name,
  patch_group,
  previous_run_id,
  previous_compliance_status,
  compliance_status,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM changes_since_previous_run
ORDER BY change, account_id, region, instance_id
