-- Question: Which lines of patches began in each month, and for at least how long has each been open?
-- Rows: two per row of line_age: one for the month in which it began, and one for all months.
-- Columns:
--   month: The month in which the line was first seen open, as YYYY-MM; NULL for all months.
--   severity: As in patch_clocks; NULL for all months, which include every severity.
--   severity_rank: As in patch_clocks; NULL for all months.
--   days: The days that the line took, or has taken so far: for a REMEDIATED line, until the first scan without it; for
--     any other line, between the scans that first and last saw it open.
-- Caveats:
--   - The first month of the history also includes lines that were already open when it began.
--   - The caveats of patch_clocks apply.
SELECT
  line.run_id,
  line.run_at,
  line.run_date,
  line.run_status,
  line.run_age_hours,
  line.run_coverage,
  line.patches_status,
  line.account_id,
  line.account_name,
  line.region,
  line.instance_id,
  line.patch_group,
  line.outcome,
  line.is_lower_bound,
  CASE WHEN NOT cohorts.is_total THEN substr(CAST(CAST(line.opened_at AS date) AS varchar), 1, 7) END AS month,
  CASE WHEN NOT cohorts.is_total THEN line.severity END AS severity,
  CASE WHEN NOT cohorts.is_total THEN line.severity_rank END AS severity_rank,
  CASE
    WHEN line.outcome = 'REMEDIATED' THEN line.days_open
    WHEN line.last_open_at > line.opened_at
      THEN date_diff('day', CAST(line.opened_at AS date), CAST(line.last_open_at AS date))
    ELSE 0
  END AS days
FROM line_age AS line
CROSS JOIN (VALUES (true), (false)) AS cohorts (is_total)
