-- Question 3: How many critical, security and other patches are missing, and on how many nodes?
-- Rows: one per target that the newest published run or an earlier one of the window planned: those without a figure
--   first, then those with the most critical patches.
-- Columns:
--   critical_nodes: Nodes with critical_non_compliant_count above 0.
--   critical_patches: The sum of critical_non_compliant_count: a patch that two nodes lack counts twice.
--   security_nodes: Nodes with security_non_compliant_count above 0.
--   security_patches: The sum of security_non_compliant_count.
--   other_nodes: Nodes with other_non_compliant_count above 0.
--   other_patches: The sum of other_non_compliant_count.
--   rows_without_id: Rows of the listing without an id: nodes that exist, and whose missing patches are unknown too.
--   nodes_without_counts: Nodes that lack one of the three counts. Their missing patches are unknown, and not in the
--     sums.
-- Caveats:
--   - A patch may count both as critical and as security.
--   - Every figure for an unread target is NULL; a sum is NULL if no node has the count.
SELECT
  target.account_id,
  target.account_name,
  target.region,
  target.listing_status,
  target.nodes_listed,
  CASE WHEN target.nodes_listed >= 0 THEN count_if(node.critical_non_compliant_count > 0) END AS critical_nodes,
  sum(node.critical_non_compliant_count) AS critical_patches,
  CASE WHEN target.nodes_listed >= 0 THEN count_if(node.security_non_compliant_count > 0) END AS security_nodes,
  sum(node.security_non_compliant_count) AS security_patches,
  CASE WHEN target.nodes_listed >= 0 THEN count_if(node.other_non_compliant_count > 0) END AS other_nodes,
  sum(node.other_non_compliant_count) AS other_patches,
  CASE
    WHEN target.nodes_listed >= 0 THEN count_if(
      node.instance_id IS NOT NULL AND (
        node.critical_non_compliant_count IS NULL
        OR node.security_non_compliant_count IS NULL
        OR node.other_non_compliant_count IS NULL
      )
    )
  END AS nodes_without_counts,
  target.rows_without_id,
  target.run_id,
  target.run_status,
  target.run_age_hours,
  target.run_coverage
FROM latest_coverage AS target
LEFT JOIN latest_patch_states AS node ON node.account_id = target.account_id AND node.region = target.region
GROUP BY target.account_id, target.account_name, target.region, target.listing_status, target.nodes_listed,
  target.rows_without_id, target.run_id, target.run_status, target.run_age_hours, target.run_coverage
ORDER BY critical_patches DESC NULLS FIRST, security_patches DESC NULLS FIRST, account_id, region
