-- Question: What is the state of each node in the newest published run?
-- Rows: one per node in the newest published run, with every column of node_compliance.
-- Caveats:
--   - Nodes of targets that were not read (run_coverage) have no rows: their state is unknown, and yesterday's is never
--     shown instead.
--   - If there are no rows, the window has no snapshot: latest_run shows since when.
SELECT
  run_id, run_at, run_date,
  account_id, region, instance_id,
  ${NodeColumns},
  collection_status, collection_detail, collected_at,
  ${PatchStateColumns},
  run_status, run_age_hours, run_coverage, compliance_status, unknown_reason, is_stale, scan_age_days,
  has_unapproved_security_updates, has_severities, is_ec2, policy_version, scan_max_age_days
FROM node_compliance
WHERE is_latest
