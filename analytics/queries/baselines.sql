-- Question 12: Which baseline is each node measured against, and what is installed outside it?
-- Rows: one per node in the newest published run with a patch state, most patches outside the baseline first.
-- Caveats:
--   - Patches that the baseline does not include (installed_other_count) do not affect the state; those that it rejects
--     (installed_rejected_count) make a node NON_COMPLIANT.
SELECT
  account_id,
  region,
  instance_id,
  computer_name,
  platform_name,
  patch_group,
  baseline_id,
  install_override_list,
  installed_count,
  installed_other_count,
  installed_rejected_count,
  compliance_status,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_patch_states
WHERE collection_status = 'COLLECTED'
ORDER BY installed_other_count DESC NULLS LAST, account_id, region, instance_id
