-- Question 16: What did earlier runs cover that the newest run no longer plans?
-- Rows: one per target that an earlier run in the window planned and the newest published run did not, and one per node
--   of these targets as last listed.
-- Columns:
--   what: TARGET or NODE.
--   last_compliance_status: The node's state when it was last listed; NULL for a target.
--   last_known_nodes: The nodes of a target when it was last listed; NULL for a node, and if the window has no listing.
--   last_known_rows_without_id: The rows without an id of that listing; NULL in the same cases.
--   last_read_at: The time of that listing; NULL if the window has none.
--   days_since_read: Days from that listing to the newest published run.
-- Caveats:
--   - The account or region was removed from the settings, the account has left the organization, or the newest run is
--     an export of other accounts or regions.
--   - A target that was last planned before the window has no row.
SELECT
  'TARGET' AS what,
  target.account_id,
  target.account_name,
  target.region,
  CAST(NULL AS varchar) AS instance_id,
  CAST(NULL AS varchar) AS computer_name,
  CAST(NULL AS varchar) AS last_compliance_status,
  target.last_known_nodes,
  target.last_known_rows_without_id,
  target.last_read_at,
  target.days_since_read,
  target.run_id,
  target.run_status,
  target.run_age_hours,
  target.run_coverage
FROM latest_coverage AS target
WHERE target.listing_status = 'TARGET_NOT_PLANNED'
UNION ALL
SELECT
  'NODE' AS what,
  node.account_id,
  target.account_name,
  node.region,
  node.instance_id,
  node.computer_name,
  node.last_compliance_status,
  CAST(NULL AS integer) AS last_known_nodes,
  CAST(NULL AS integer) AS last_known_rows_without_id,
  node.last_seen_at AS last_read_at,
  node.days_since_seen AS days_since_read,
  node.run_id,
  node.run_status,
  node.run_age_hours,
  node.run_coverage
FROM nodes_last_seen AS node
JOIN latest_coverage AS target ON target.account_id = node.account_id AND target.region = node.region
WHERE node.reason = 'TARGET_NOT_PLANNED'
ORDER BY what DESC, account_id, region, instance_id
