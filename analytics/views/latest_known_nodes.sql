-- Question: Which nodes must the latest figures account for, those of unread targets included?
-- Rows: one per node of each active target of the newest published run: the nodes that it listed and, for a target that
--   it could not read, the nodes that were last listed.
-- Columns:
--   is_read: Whether the newest published run read the node's target.
--   compliance_status: As in node_compliance; UNKNOWN for a node of an unread target, in whatever state it was before.
--   unknown_reason: As in node_compliance, or TARGET_NOT_READ.
--   last_seen_run_id: The run of the row's other columns: the newest published one, or for an unread target the last
--     one that listed it.
-- Caveats:
--   - Attributes of a node with TARGET_NOT_READ are from the run that last listed it: its platform and patch group at
--     that time.
--   - An unread target that no run of the window has listed has no rows: see latest_coverage.
SELECT
  target.run_id,
  target.run_at,
  target.run_date,
  target.run_status,
  target.run_age_hours,
  target.run_coverage,
  node.account_id,
  node.region,
  node.instance_id,
  node.computer_name,
  node.platform_type,
  node.platform_name,
  node.platform_version,
  node.patch_group,
  node.baseline_id,
  target.listing_status = 'LISTED' AS is_read,
  CASE WHEN target.listing_status = 'LISTED' THEN node.compliance_status ELSE 'UNKNOWN' END AS compliance_status,
  CASE WHEN target.listing_status = 'LISTED' THEN node.unknown_reason ELSE 'TARGET_NOT_READ' END AS unknown_reason,
  node.run_id AS last_seen_run_id
FROM node_compliance AS node
JOIN target_runs AS target
  ON target.last_read_run_id = node.run_id AND target.account_id = node.account_id AND target.region = node.region
WHERE target.is_latest AND target.is_active
