-- Question: Which targets did each run plan, and which targets of earlier runs did it leave out?
-- Rows: one per run that has published its coverage, and target that this run or an earlier one of the window planned.
-- Columns:
--   account_name: As in coverage; for a target that the run did not plan, as in the last run before it that did.
--   listing_status: As in coverage; TARGET_NOT_PLANNED: an earlier run in the window planned the target, and this one
--     did not.
--   is_planned: Whether the run planned the target.
--   is_active: Whether the nodes of the target count: false for a closed or suspended account, even after it has left
--     the plan.
-- Caveats:
--   - Rows of coverage in the folder of a date that is not the date of their run count in no view.
--   - A target that was last planned before the window has no row and no longer counts.
WITH numbered AS (
  SELECT
    run_id, run_at, run_date,
    account_id, account_name, region, listing_status, listing_detail, listed_at,
    nodes_listed, nodes_collected, nodes_no_patch_state, nodes_not_collected, nodes_invalid_response, rows_without_id,
    patches_status, patches_detail, patches_nodes_not_collected, patches_nodes_invalid_response, patches_rows,
    instances_status, instances_detail, instances_rows_without_id, instances_rows,
    tags_status, tags_detail, tags_rows_without_id, tags_rows,
    /* Run ids are times: their order is the order of the runs. */
    dense_rank() OVER (ORDER BY run_id, run_date, run_at) AS place
  FROM recent_coverage
  /* A copy of a file in the folder of another date is no run of that date, and does not count twice. */
  WHERE run_date = CAST(CAST(run_at AS date) AS varchar)
),
followed AS (
  SELECT
    run_id, run_at, run_date,
    account_id, account_name, region, listing_status, listing_detail, listed_at,
    nodes_listed, nodes_collected, nodes_no_patch_state, nodes_not_collected, nodes_invalid_response, rows_without_id,
    patches_status, patches_detail, patches_nodes_not_collected, patches_nodes_invalid_response, patches_rows,
    instances_status, instances_detail, instances_rows_without_id, instances_rows,
    tags_status, tags_detail, tags_rows_without_id, tags_rows,
    place,
    last_value(account_name) IGNORE NULLS OVER (
      PARTITION BY account_id, region ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS last_account_name,
    last_value(listing_status) IGNORE NULLS OVER (
      PARTITION BY account_id, region ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS last_listing_status,
    /* The row stands for the runs before the next one that planned the target, or for all up to the newest. */
    coalesce(lead(place) OVER (PARTITION BY account_id, region ORDER BY place), max(place) OVER () + 1) AS next_place
  FROM numbered
),
repeated AS (
  SELECT
    /* Each run planned at least one target, whose row names the run. */
    max(CASE WHEN run.place = target.place THEN target.run_id END) OVER (PARTITION BY run.place) AS run_id,
    max(CASE WHEN run.place = target.place THEN target.run_at END) OVER (PARTITION BY run.place) AS run_at,
    max(CASE WHEN run.place = target.place THEN target.run_date END) OVER (PARTITION BY run.place) AS run_date,
    target.account_id, target.account_name, target.region, target.listing_status, target.listing_detail, target.listed_at,
    target.nodes_listed, target.nodes_collected, target.nodes_no_patch_state, target.nodes_not_collected, target.nodes_invalid_response, target.rows_without_id,
    target.patches_status, target.patches_detail, target.patches_nodes_not_collected, target.patches_nodes_invalid_response, target.patches_rows,
    target.instances_status, target.instances_detail, target.instances_rows_without_id, target.instances_rows,
    target.tags_status, target.tags_detail, target.tags_rows_without_id, target.tags_rows,
    target.last_account_name,
    target.last_listing_status,
    run.place = target.place AS is_planned
  FROM followed AS target
  /* If a run has a target twice, each of the two rows stands for that run at least. */
  CROSS JOIN UNNEST(
    sequence(target.place, CASE WHEN target.next_place > target.place THEN target.next_place - 1 ELSE target.place END)
  ) AS run (place)
)
SELECT
  run_id,
  run_at,
  run_date,
  account_id,
  CASE WHEN is_planned THEN account_name ELSE last_account_name END AS account_name,
  region,
  coalesce(CASE WHEN is_planned THEN listing_status END, 'TARGET_NOT_PLANNED') AS listing_status,
  CASE WHEN is_planned THEN listing_detail END AS listing_detail,
  is_planned,
  last_listing_status <> 'ACCOUNT_NOT_ACTIVE' AS is_active,
  CASE WHEN is_planned THEN listed_at END AS listed_at,
  CASE WHEN is_planned THEN nodes_listed END AS nodes_listed,
  CASE WHEN is_planned THEN nodes_collected END AS nodes_collected,
  CASE WHEN is_planned THEN nodes_no_patch_state END AS nodes_no_patch_state,
  CASE WHEN is_planned THEN nodes_not_collected END AS nodes_not_collected,
  CASE WHEN is_planned THEN nodes_invalid_response END AS nodes_invalid_response,
  CASE WHEN is_planned THEN rows_without_id END AS rows_without_id,
  CASE WHEN is_planned THEN patches_status END AS patches_status,
  CASE WHEN is_planned THEN patches_detail END AS patches_detail,
  CASE WHEN is_planned THEN patches_nodes_not_collected END AS patches_nodes_not_collected,
  CASE WHEN is_planned THEN patches_nodes_invalid_response END AS patches_nodes_invalid_response,
  CASE WHEN is_planned THEN patches_rows END AS patches_rows,
  CASE WHEN is_planned THEN instances_status END AS instances_status,
  CASE WHEN is_planned THEN instances_detail END AS instances_detail,
  CASE WHEN is_planned THEN instances_rows_without_id END AS instances_rows_without_id,
  CASE WHEN is_planned THEN instances_rows END AS instances_rows,
  CASE WHEN is_planned THEN tags_status END AS tags_status,
  CASE WHEN is_planned THEN tags_detail END AS tags_detail,
  CASE WHEN is_planned THEN tags_rows_without_id END AS tags_rows_without_id,
  CASE WHEN is_planned THEN tags_rows END AS tags_rows
FROM repeated
