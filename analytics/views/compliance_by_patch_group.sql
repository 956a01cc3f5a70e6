-- Question: How compliant is each patch group?
-- Rows: one per patch group among the latest known nodes.
-- Columns:
--   baselines: Number of different patch baselines among its nodes.
--   nodes_listed: Nodes that the newest published run listed.
--   nodes_compliant: Nodes that are COMPLIANT.
--   nodes_non_compliant: Nodes that are NON_COMPLIANT.
--   nodes_unknown: Nodes that are UNKNOWN, for any reason.
--   nodes_unread: Nodes of unread targets, as last listed.
--   compliant_percent: nodes_compliant of nodes_listed, UNKNOWN nodes included, in percent, rounded down to a tenth, so
--     that 100 means all. NULL where no node is listed.
--   compliant_percent_lower_bound: The same, with the last known nodes of unread targets in the denominator: the least
--     that it can be, if their number has not grown. NULL where no run of the window has listed one of them: then no
--     bound is known.
-- Caveats:
--   - NULL is the row of the nodes without a patch state: SSM reports the patch group with the state. An empty text is
--     the row of nodes that are in no patch group.
--   - nodes_unread is from an earlier run and counts only in the lower bound.
WITH unread AS (
  /* Unread targets that no run of the window has listed may hold nodes of any kind: then no row has a bound. */
  SELECT count_if(is_active AND last_known_nodes IS NULL) AS targets_never_read
  FROM latest_coverage
)
SELECT
  node.run_id,
  node.run_at,
  node.run_date,
  node.run_status,
  node.run_age_hours,
  node.run_coverage,
  node.patch_group,
  count(DISTINCT node.baseline_id) AS baselines,
  count_if(node.is_read) AS nodes_listed,
  count_if(node.compliance_status = 'COMPLIANT') AS nodes_compliant,
  count_if(node.compliance_status = 'NON_COMPLIANT') AS nodes_non_compliant,
  count_if(node.is_read AND node.compliance_status = 'UNKNOWN') AS nodes_unknown,
  count_if(NOT node.is_read) AS nodes_unread,
  floor(CAST(count_if(node.compliance_status = 'COMPLIANT') AS double) * 1000 / nullif(count_if(node.is_read), 0)) / 10
    AS compliant_percent,
  CASE
    WHEN max(unread.targets_never_read) = 0
      THEN floor(CAST(count_if(node.compliance_status = 'COMPLIANT') AS double) * 1000 / count(*)) / 10
  END AS compliant_percent_lower_bound
FROM latest_known_nodes AS node
CROSS JOIN unread
GROUP BY node.run_id, node.run_at, node.run_date, node.run_status, node.run_age_hours, node.run_coverage,
  node.patch_group
