-- Question: For how long has each node needed its oldest line of patches?
-- Rows: one per node with a line that is OPEN.
-- Columns:
--   lines_open: The node's lines that are OPEN.
--   lines_open_lower_bound: Those that the newest run saw open: the node needs at least this many.
--   severity_rank: The highest rank of these lines, as in severity_ranks.
--   opened_at: As in line_age, for the oldest line.
--   last_open_at: The end of the last scan that saw one of them open.
--   days_open: As in line_age, for the oldest line.
--   is_lower_bound: Whether one of the lines may be older than that, because its age is a lower bound.
--   most_days_open: The age of the oldest line if each was open from the day after it was last seen not open; NULL if
--     no scan in the history saw one of them not open, so no upper limit is known.
-- Caveats:
--   - This is the age of what the node needs now. For how long it has been non-compliant, see days_non_compliant.
--   - The caveats of patch_clocks apply.
SELECT
  run_id,
  run_at,
  run_date,
  run_status,
  run_age_hours,
  run_coverage,
  patches_status,
  account_id,
  account_name,
  region,
  listing_status,
  instance_id,
  computer_name,
  platform_type,
  platform_name,
  platform_version,
  patch_group,
  baseline_id,
  count(*) AS lines_open,
  count_if(is_confirmed) AS lines_open_lower_bound,
  max(severity_rank) AS severity_rank,
  min(opened_at) AS opened_at,
  max(last_open_at) AS last_open_at,
  max(days_open) AS days_open,
  count_if(is_lower_bound) > 0 AS is_lower_bound,
  CASE WHEN count(most_days_open) = count(*) THEN max(most_days_open) END AS most_days_open
FROM line_age
WHERE outcome = 'OPEN'
GROUP BY
  run_id,
  run_at,
  run_date,
  run_status,
  run_age_hours,
  run_coverage,
  patches_status,
  account_id,
  account_name,
  region,
  listing_status,
  instance_id,
  computer_name,
  platform_type,
  platform_name,
  platform_version,
  patch_group,
  baseline_id
