-- Question: Which targets did each run plan, and which of those that earlier runs planned did it leave out?
-- Rows: one per run that has published its coverage, and target that this run or an earlier one of the window planned.
-- Columns:
--   account_name: As in coverage; of a target that the run did not plan, as in the last run before it that did.
--   listing_status: As in coverage; TARGET_NOT_PLANNED: an earlier run of the window planned the target, and this one
--     did not.
--   is_planned: Whether the plan of the run has the target.
--   is_active: Whether the nodes of the target count: false for a closed or suspended account, also after it has left
--     the plan.
-- Caveats:
--   - A target whose last plan is older than the window has no row: it is forgotten.
WITH covered_runs AS (
  SELECT DISTINCT run_id, run_at, run_date
  FROM recent_coverage
),
first_plans AS (
  SELECT account_id, region, min(run_id) AS first_run_id
  FROM recent_coverage
  GROUP BY account_id, region
)
SELECT
  run.run_id,
  run.run_at,
  run.run_date,
  target.account_id,
  CASE
    WHEN planned.run_id IS NOT NULL THEN planned.account_name
    ELSE last_value(planned.account_name) IGNORE NULLS OVER (
      PARTITION BY target.account_id, target.region ORDER BY run.run_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
  END AS account_name,
  target.region,
  coalesce(planned.listing_status, 'TARGET_NOT_PLANNED') AS listing_status,
  planned.listing_detail,
  planned.run_id IS NOT NULL AS is_planned,
  last_value(planned.listing_status) IGNORE NULLS OVER (
    PARTITION BY target.account_id, target.region ORDER BY run.run_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) <> 'ACCOUNT_NOT_ACTIVE' AS is_active,
  planned.listed_at,
  planned.nodes_listed,
  planned.nodes_collected,
  planned.nodes_no_patch_state,
  planned.nodes_not_collected,
  planned.nodes_invalid_response,
  planned.rows_without_id,
  planned.patches_status,
  planned.patches_detail,
  planned.patches_nodes_not_collected,
  planned.patches_nodes_invalid_response,
  planned.patches_rows,
  planned.instances_status,
  planned.instances_detail,
  planned.instances_rows_without_id,
  planned.instances_rows,
  planned.tags_status,
  planned.tags_detail,
  planned.tags_rows_without_id,
  planned.tags_rows
FROM covered_runs AS run
/* Run ids are times: their order is the order of the runs. */
JOIN first_plans AS target ON target.first_run_id <= run.run_id
LEFT JOIN recent_coverage AS planned
  ON planned.run_id = run.run_id
  AND planned.run_date = run.run_date
  AND planned.account_id = target.account_id
  AND planned.region = target.region
