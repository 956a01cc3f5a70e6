-- Question: Since when has each node needed a patch of each line, or when did that end?
-- Rows: one per streak of a line on a node in the last HistoryDays days; a line that came back has several.
-- Columns:
--   outcome: As in patch_clocks; never REPLACED.
-- Caveats:
--   - A line is a series of patches that replace each other (patch_lines). Its clock keeps running from one patch to
--     the next.
--   - Only REMEDIATED counts as remediation: the node no longer needs a patch of the line.
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
  line,
  severity,
  severity_rank,
  outcome,
  is_confirmed,
  opened_at,
  last_open_at,
  last_open_run_id,
  ended_at,
  days_open,
  is_lower_bound,
  most_days_open
FROM patch_clocks
WHERE clock = 'LINE'
