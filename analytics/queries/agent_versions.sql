-- Question 13: Which versions of SSM Agent are in use?
-- Rows: one per platform type and agent version of the newest published run, most nodes first.
-- Columns:
--   nodes: Nodes with that version.
--   nodes_not_online: Nodes whose ping_status is not Online, or is not known.
--   nodes_not_latest: Nodes whose version is not the latest, according to SSM.
-- Caveats:
--   - SSM does not keep is_latest_version up to date for Windows.
SELECT
  platform_type,
  agent_version,
  count(*) AS nodes,
  count_if(ping_status IS DISTINCT FROM 'Online') AS nodes_not_online,
  count_if(is_latest_version = false) AS nodes_not_latest,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_patch_states
GROUP BY platform_type, agent_version, run_id, run_status, run_age_hours, run_coverage
ORDER BY nodes DESC, platform_type, agent_version
