-- Question: Which targets did each run list, and when were they listed before and after?
-- Rows: one per published run in the window, and target that this run or an earlier one of the window planned.
-- Columns:
--   nodes_listed: Nodes of the target in the snapshot; this and the next five are NULL unless LISTED.
--   rows_without_id: As in coverage; NULL also for runs of older versions, which did not count them.
--   patches_status: As in coverage; so are the next nine columns.
--   patches_detail: As in coverage.
--   patches_nodes_not_collected: As in coverage.
--   patches_nodes_invalid_response: As in coverage.
--   instances_status: As in coverage.
--   instances_detail: As in coverage.
--   instances_rows_without_id: As in coverage.
--   tags_status: As in coverage.
--   tags_detail: As in coverage.
--   tags_rows_without_id: As in coverage.
--   last_read_run_id: The newest run, this one included, that listed the target; NULL if the window has none.
--   last_read_date: The UTC date of that run: the partition.
--   last_read_at: The scheduled time of that run.
--   last_known_nodes: The nodes that it listed.
--   last_known_rows_without_id: The rows without an id that it listed: nodes that exist but are in no snapshot.
--   previous_read_run_id: The newest run before this one that listed the target; NULL if the window has none.
--   previous_read_date: The UTC date of that run: the partition.
--   next_read_run_id: The first run after this one that listed the target; NULL if there is none yet.
-- Caveats:
--   - last_known_nodes and last_known_rows_without_id of a target that was not read come from an earlier run: use them
--     only in lower bounds.
--   - target_runs has the same rows, with the statuses of patches, instances and tags adjusted to the published tables.
SELECT
  target.run_id,
  target.run_at,
  target.run_date,
  run.run_status,
  run.is_latest,
  run.run_age_hours,
  run.run_coverage,
  target.account_id,
  target.account_name,
  target.region,
  target.listing_status,
  target.listing_detail,
  target.is_planned,
  target.is_active,
  target.listed_at,
  target.nodes_listed,
  target.nodes_collected,
  target.nodes_no_patch_state,
  target.nodes_not_collected,
  target.nodes_invalid_response,
  target.rows_without_id,
  target.patches_status,
  target.patches_detail,
  target.patches_nodes_not_collected,
  target.patches_nodes_invalid_response,
  target.instances_status,
  target.instances_detail,
  target.instances_rows_without_id,
  target.tags_status,
  target.tags_detail,
  target.tags_rows_without_id,
  /* Run ids are times: their order is the order of the runs. */
  max(CASE WHEN target.listing_status = 'LISTED' THEN target.run_id END) OVER (
    PARTITION BY target.account_id, target.region ORDER BY target.run_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS last_read_run_id,
  max(CASE WHEN target.listing_status = 'LISTED' THEN target.run_date END) OVER (
    PARTITION BY target.account_id, target.region ORDER BY target.run_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS last_read_date,
  max(CASE WHEN target.listing_status = 'LISTED' THEN target.run_at END) OVER (
    PARTITION BY target.account_id, target.region ORDER BY target.run_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS last_read_at,
  last_value(target.nodes_listed) IGNORE NULLS OVER (
    PARTITION BY target.account_id, target.region ORDER BY target.run_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS last_known_nodes,
  /* In versions that did not count such rows, a target with one was not LISTED. */
  last_value(CASE WHEN target.listing_status = 'LISTED' THEN coalesce(target.rows_without_id, 0) END)
    IGNORE NULLS OVER (
      PARTITION BY target.account_id, target.region ORDER BY target.run_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS last_known_rows_without_id,
  max(CASE WHEN target.listing_status = 'LISTED' THEN target.run_id END) OVER (
    PARTITION BY target.account_id, target.region ORDER BY target.run_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  ) AS previous_read_run_id,
  max(CASE WHEN target.listing_status = 'LISTED' THEN target.run_date END) OVER (
    PARTITION BY target.account_id, target.region ORDER BY target.run_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  ) AS previous_read_date,
  min(CASE WHEN target.listing_status = 'LISTED' THEN target.run_id END) OVER (
    PARTITION BY target.account_id, target.region ORDER BY target.run_id
    ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
  ) AS next_read_run_id
FROM known_targets AS target
JOIN covered_runs AS run ON run.run_id = target.run_id AND run.run_date = target.run_date AND run.is_published
