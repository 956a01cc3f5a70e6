-- Question: Which runs have published patches?
-- Rows: one per published run in the window whose table patches has exactly as many rows as its coverage counts, and at
--   least one.
-- Columns:
--   patches_status: As in runs: COMPLETE or PARTIAL.
-- Caveats:
--   - runs has every run and the statuses of all tables.
SELECT
  run.run_id,
  run.run_at,
  run.run_date,
  run.run_status,
  run.is_latest,
  run.run_age_hours,
  run.run_coverage,
  run.patches_read AS patches_status
FROM covered_runs AS run
JOIN (
  SELECT run_id, run_date, count(*) AS patch_rows
  FROM recent_patches
  GROUP BY run_id, run_date
) AS stored ON stored.run_id = run.run_id AND stored.run_date = run.run_date AND stored.patch_rows = run.patches_rows
WHERE run.is_published AND run.patches_read IN ('COMPLETE', 'PARTIAL')
