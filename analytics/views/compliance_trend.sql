-- Question: How did compliance change, day by day?
-- Rows: one per UTC date of the window with a published run: the last one of the date.
-- Caveats:
--   - A date without a published run has no row: nothing is carried over from the day before.
--   - If a day's run read fewer targets, that does not mean that there were fewer nodes: see targets_read and the lower
--     bound.
SELECT
  figures.run_date,
  figures.run_id,
  figures.run_at,
  figures.run_status,
  figures.run_age_hours,
  figures.run_coverage,
  figures.targets_read,
  figures.targets_total,
  figures.targets_not_planned,
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
FROM compliance_of_runs AS figures
JOIN covered_runs AS run ON run.run_id = figures.run_id AND run.run_date = figures.run_date AND run.is_last_of_date
