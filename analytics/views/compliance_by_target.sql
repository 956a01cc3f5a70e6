-- Question: How compliant is each account in each region?
-- Rows: one per target that the newest published run or an earlier one of the window planned, including unread ones.
-- Columns:
--   rows_without_id: Rows of the listings without an id: nodes that exist but are not in the snapshot. They count only
--     in the lower bound.
--   compliant_percent: nodes_compliant as a percentage of nodes_listed, UNKNOWN nodes included, rounded down to one
--     decimal place, so 100 means all nodes. NULL if no node is listed.
--   compliant_percent_lower_bound: The same, but the denominator also counts rows without an id and the last known
--     nodes of targets that were not read or are no longer planned. The bound holds if their number has not grown. NULL
--     if no run in the window has listed one of these targets: then no bound is known.
-- Caveats:
--   - Figures for unread targets are NULL, never 0 and never yesterday's.
SELECT
  run_id,
  run_at,
  run_date,
  run_status,
  run_age_hours,
  run_coverage,
  account_id,
  account_name,
  region,
  listing_status,
  nodes_listed,
  nodes_compliant,
  nodes_non_compliant,
  nodes_unknown,
  rows_without_id,
  floor(CAST(nodes_compliant AS double) * 1000 / nullif(nodes_listed, 0)) / 10 AS compliant_percent,
  floor(CAST(coalesce(nodes_compliant, 0) AS double) * 1000 / nullif(nodes_bound, 0)) / 10
    AS compliant_percent_lower_bound
FROM target_compliance
WHERE is_latest
