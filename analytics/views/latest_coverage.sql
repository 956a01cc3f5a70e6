-- Question: What did the newest published run read, what did it not read and why, and what was last known?
-- Rows: one per target that the newest published run or an earlier one of the window planned.
-- Columns:
--   days_since_read: Days from the last run that listed the target to this one, by UTC date; 0 if this one did. NULL if
--     no run in the window did.
-- Caveats:
--   - nodes_listed and the other counts are NULL for a target that was not read; last_known_nodes,
--     last_known_rows_without_id and last_read_at come from its last listing.
--   - TARGET_NOT_PLANNED: its account or region was removed from the settings, its account has left the organization,
--     or the newest run is an export of other accounts or regions.
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
  listing_detail,
  is_planned,
  is_active,
  listed_at,
  nodes_listed,
  nodes_collected,
  nodes_no_patch_state,
  nodes_not_collected,
  nodes_invalid_response,
  rows_without_id,
  patches_status,
  patches_detail,
  patches_nodes_not_collected,
  patches_nodes_invalid_response,
  instances_status,
  instances_detail,
  tags_status,
  tags_detail,
  last_read_run_id,
  last_read_at,
  last_known_nodes,
  last_known_rows_without_id,
  date_diff('day', CAST(last_read_at AS date), CAST(run_at AS date)) AS days_since_read
FROM target_runs
WHERE is_latest
