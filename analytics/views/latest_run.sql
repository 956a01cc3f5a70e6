-- Question: Which run do the latest figures come from, how old is it, and how much of the fleet did it read?
-- Rows: always exactly one. If the window has no published run, run_id is NULL and run_coverage says so.
-- Columns:
--   run_id: The newest published run; NULL if the window has none.
--   run_status: COMPLETE, PARTIAL, or NO_SNAPSHOT if the window has no published run.
--   run_coverage: A sentence that says how many of the active targets were read, as in runs. If the window has no
--     published run, "no snapshot since" and the date on which the window begins.
--   rows_without_id: As in runs.
--   patches_status: As in runs; NO_SNAPSHOT if the window has no published run.
--   instances_status: As in runs, or NO_SNAPSHOT.
--   tags_status: As in runs, or NO_SNAPSHOT.
--   window_start: The date on which the window begins, YYYY-MM-DD. The views ignore older runs.
-- Caveats:
--   - If the window has no published run, the fleet is unknown, not empty.
SELECT
  /* Aggregates without groups give one row even where there is no run. */
  max(run_id) AS run_id,
  max(run_at) AS run_at,
  max(run_date) AS run_date,
  coalesce(max(run_status), 'NO_SNAPSHOT') AS run_status,
  max(run_age_hours) AS run_age_hours,
  coalesce(
    max(run_coverage),
    'no snapshot since ' || CAST(CAST(current_date - INTERVAL '${WindowDays}' DAY AS date) AS varchar)
  ) AS run_coverage,
  max(targets_read) AS targets_read,
  max(targets_total) AS targets_total,
  max(targets_not_active) AS targets_not_active,
  max(targets_not_planned) AS targets_not_planned,
  max(rows_without_id) AS rows_without_id,
  coalesce(max(patches_status), 'NO_SNAPSHOT') AS patches_status,
  coalesce(max(instances_status), 'NO_SNAPSHOT') AS instances_status,
  coalesce(max(tags_status), 'NO_SNAPSHOT') AS tags_status,
  CAST(CAST(current_date - INTERVAL '${WindowDays}' DAY AS date) AS varchar) AS window_start
FROM runs
WHERE is_latest
