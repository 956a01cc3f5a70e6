-- Question: How compliant is each patch group?
-- Rows: one per patch group among the latest known nodes.
-- Columns:
--   baselines: Number of different patch baselines that its nodes use.
--   nodes_listed: Nodes that the newest published run listed.
--   nodes_compliant: Nodes that are COMPLIANT.
--   nodes_non_compliant: Nodes that are NON_COMPLIANT.
--   nodes_unknown: Nodes that are UNKNOWN, for any reason.
--   nodes_unread: Nodes of targets that were not read or are no longer planned, as last listed.
--   nodes_unplaced: Nodes whose patch group is not known: no run in the window has read it, or the node is a row
--     without an id. They may belong to any row, so every lower bound counts them.
--   compliant_percent: nodes_compliant as a percentage of nodes_listed, UNKNOWN nodes included, rounded down to one
--     decimal place, so 100 means all nodes. NULL if no node is listed.
--   compliant_percent_lower_bound: The same, but the denominator counts every node that may belong to the row: the last
--     known nodes of targets that were not read or are no longer planned, and every node that is not known to belong to
--     another row. The bound holds if unread nodes have not moved and their number has not grown. NULL if no run in the
--     window has listed one of these targets: then no bound is known.
-- Caveats:
--   - In the row for nodes without a patch state, patch_group is NULL: SSM reports the patch group with the state. In
--     the row for nodes that are in no patch group, it is empty.
--   - nodes_unread comes from an earlier run and counts only in the lower bound.
WITH elsewhere AS (
  /* Unread targets that no run of the window has listed may hold nodes of any kind: then no row has a bound. */
  SELECT
    count_if(last_known_nodes IS NULL) AS targets_never_read,
    coalesce(sum(last_known_rows_without_id), 0) AS rows_without_id
  FROM target_listings
  WHERE is_latest AND is_active
),
figures AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage,
    patch_group,
    count(DISTINCT baseline_id) AS baselines,
    count_if(is_read) AS nodes_listed,
    count_if(compliance_status = 'COMPLIANT') AS nodes_compliant,
    count_if(compliance_status = 'NON_COMPLIANT') AS nodes_non_compliant,
    count_if(is_read AND compliance_status = 'UNKNOWN') AS nodes_unknown,
    count_if(NOT is_read) AS nodes_unread,
    count_if(is_patch_group_known) AS nodes_placed,
    count_if(is_patch_group_known AND compliance_status = 'COMPLIANT') AS nodes_placed_compliant,
    sum(count_if(NOT is_patch_group_known)) OVER () AS nodes_unknown_place
  FROM latest_known_nodes
  GROUP BY run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patch_group
)
SELECT
  figures.run_id,
  figures.run_at,
  figures.run_date,
  figures.run_status,
  figures.run_age_hours,
  figures.run_coverage,
  figures.patch_group,
  figures.baselines,
  figures.nodes_listed,
  figures.nodes_compliant,
  figures.nodes_non_compliant,
  figures.nodes_unknown,
  figures.nodes_unread,
  figures.nodes_unknown_place + elsewhere.rows_without_id AS nodes_unplaced,
  floor(CAST(figures.nodes_compliant AS double) * 1000 / nullif(figures.nodes_listed, 0)) / 10 AS compliant_percent,
  CASE
    WHEN elsewhere.targets_never_read = 0
      THEN floor(
        CAST(figures.nodes_placed_compliant AS double) * 1000
        / (figures.nodes_placed + figures.nodes_unknown_place + elsewhere.rows_without_id)
      ) / 10
  END AS compliant_percent_lower_bound
FROM figures
CROSS JOIN elsewhere
