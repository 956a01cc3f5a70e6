-- Question: How much of the fleet is compliant, how much is not, and how much is unknown?
-- Rows: always exactly one. If the window has no published run, run_status is NO_SNAPSHOT and every figure is NULL.
-- Columns:
--   rows_without_id: Rows of the listings without an id: nodes that exist but are not in the snapshot. They count only
--     in the lower bound.
--   compliant_percent: nodes_compliant as a percentage of nodes_listed, UNKNOWN nodes included, rounded down to one
--     decimal place, so 100 means all nodes. NULL if no node is listed.
--   compliant_percent_lower_bound: The same, but the denominator also counts rows without an id and the last known
--     nodes of targets that were not read or are no longer planned. The bound holds if their number has not grown. NULL
--     if no run in the window has listed one of these targets: then no bound is known.
-- Caveats:
--   - An UNKNOWN node counts against the percentage. Show nodes_unknown and run_coverage next to the percentage.
SELECT
  latest_run.run_id,
  latest_run.run_at,
  latest_run.run_date,
  latest_run.run_status,
  latest_run.run_age_hours,
  latest_run.run_coverage,
  latest_run.targets_read,
  latest_run.targets_total,
  latest_run.targets_not_planned,
  figures.nodes_listed,
  figures.nodes_compliant,
  figures.nodes_non_compliant,
  figures.nodes_unknown,
  figures.rows_without_id,
  figures.compliant_percent,
  figures.compliant_percent_lower_bound,
  figures.instances_not_managed,
  figures.fleet_unknown_reason,
  figures.fleet_compliant_percent,
  figures.fleet_compliant_percent_lower_bound
FROM latest_run
LEFT JOIN compliance_of_runs AS figures ON figures.run_id = latest_run.run_id AND figures.is_latest
