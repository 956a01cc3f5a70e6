-- Question: What is the state of each node, by the one published rule?
-- Rows: one per node and published run in the window, with every column of patch_states.
-- Caveats:
--   - COMPLIANT is measured against the node's own baseline. It does not mean that the node is free of vulnerabilities.
--   - Installed patches outside the baseline, patches that do not apply and updates that are not approved do not affect
--     the state.
--   - A node of a target that was not read has no row: its state is unknown. See latest_coverage.
SELECT
  state.run_id, state.run_at, state.run_date,
  state.account_id, state.region, state.instance_id,
  state.${NodeColumns},
  state.collection_status, state.collection_detail, state.collected_at,
  state.${PatchStateColumns},
  run.run_status, run.is_latest, run.run_age_hours, run.run_coverage,
  state.compliance_status, state.unknown_reason, state.is_stale, state.scan_age_days,
  state.has_unapproved_security_updates, state.is_platform_known, state.has_severities, state.is_ec2,
  state.policy_version, state.scan_max_age_days
FROM node_states AS state
JOIN covered_runs AS run ON run.run_id = state.run_id AND run.run_date = state.run_date AND run.is_published
