-- Question: Which patches does each node in the newest published run need, await a reboot for, or reject?
-- Rows: one per node and patch that the newest published run read.
-- Columns:
--   account_name: As in coverage.
--   severity_rank: 4 for Critical, 3 for Important, 2 for Moderate and Medium, 1 for Low. 0 for every other word, for
--     the package priorities of Ubuntu and Debian, which are not severities, and if there is no severity or the platform
--     of the node is not known.
--   is_open: Whether the node still needs the patch: Missing, Failed or InstalledPendingReboot. AvailableSecurityUpdate
--     (the baseline has not approved it) and InstalledRejected have rows too, but are not open.
-- Caveats:
--   - patches_not_known lists the nodes and targets that may need patches that this view does not show.
--   - The states are those of the last scan of the node, which ended at operation_end_time.
SELECT
  patch.run_id,
  patch.run_at,
  patch.run_date,
  patch.run_status,
  patch.run_age_hours,
  patch.run_coverage,
  patch.patches_status,
  patch.account_id,
  target.account_name,
  patch.region,
  patch.instance_id,
  node.computer_name,
  node.platform_type,
  node.platform_name,
  node.platform_version,
  node.patch_group,
  node.baseline_id,
  patch.kb_id,
  patch.title,
  patch.classification,
  patch.severity,
  coalesce(ranks.severity_rank, 0) AS severity_rank,
  patch.state,
  patch.is_open,
  patch.is_known,
  patch.installed_time,
  patch.cve_ids,
  node.operation_end_time,
  node.is_stale
FROM node_patches AS patch
JOIN node_states AS node
  ON node.run_id = patch.run_id
  AND node.run_date = patch.run_date
  AND node.account_id = patch.account_id
  AND node.region = patch.region
  AND node.instance_id = patch.instance_id
JOIN target_listings AS target
  ON target.run_id = patch.run_id AND target.account_id = patch.account_id AND target.region = patch.region
LEFT JOIN severity_ranks AS ranks ON ranks.severity = patch.severity AND node.has_severities
WHERE patch.is_latest AND patch.collection_status = 'COLLECTED'
