-- Question: Since when has each node needed each patch, or when did that end?
-- Rows: one per streak of a patch on a node in the last HistoryDays days; a patch that came back has several.
-- Caveats:
--   - Deadlines use line_age: next month's update is a new patch, but the line stays open.
--   - Only the outcome OPEN means that the node still needs the patch, and only is_confirmed means that the newest run
--     saw that.
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
  kb_id,
  title,
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
WHERE clock = 'PATCH'
