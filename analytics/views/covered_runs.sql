-- Question: Which runs are published, and how many targets did each read?
-- Rows: one per run in the window that has published its coverage.
-- Columns:
--   run_date: The run's UTC date, YYYY-MM-DD: the partition.
--   run_status: COMPLETE: the plan has at least one active target, every one was listed, each row of the listings names
--     a node, and no node is NOT_COLLECTED or INVALID_RESPONSE. PARTIAL: published, but something was not read.
--     UNPUBLISHED: the coverage exists, but the snapshot does not.
--   is_published: Whether the snapshot has exactly as many rows as the coverage counts (0 if it counts 0), the coverage
--     has each target once. Without this rule, a copy of its files under another name would count twice.
--   is_latest: Whether it is the newest published run, COMPLETE or PARTIAL.
--   is_last_of_date: Whether it is the last published run of its UTC date.
--   run_age_hours: Whole hours since the run's scheduled time.
--   run_coverage: A sentence that says how many of the active targets were read: "3 of 4 targets read", or "3 of 4
--     targets read, 2 no longer planned, 1 row without an id".
--   targets_read: Targets that were listed.
--   targets_total: Active targets of the plan, which should have been listed.
--   targets_not_active: Targets in closed or suspended accounts. They are not read and do not make a run PARTIAL.
--   targets_not_planned: Active targets that earlier runs in the window planned and this one did not. They do not make
--     a run PARTIAL, and their last known nodes count in every lower bound.
--   nodes_listed: Nodes of the targets that were read; NULL where none was.
--   nodes_collected: Nodes with a patch state.
--   nodes_no_patch_state: Nodes that were never scanned.
--   nodes_not_collected: Nodes whose state could not be collected.
--   nodes_invalid_response: Nodes for which SSM's answer broke its rules.
--   rows_without_id: Rows of the listings without an id: nodes that exist but are not in the snapshot. NULL for runs of
--     older versions, which did not count them.
--   patches_read: The patches_status of runs if the table has as many rows as the coverage counts: COMPLETE, PARTIAL or
--     NOT_ASKED.
--   patches_rows: The number of rows that the table patches has according to the coverage.
--   instances_read: As patches_read, for instances.
--   instances_rows: The number of rows that the table instances has according to the coverage.
--   tags_read: As patches_read, for tags.
--   tags_rows: The number of rows that the table tags has according to the coverage.
-- Caveats:
--   - run_status is about nodes and patch states. runs also has the statuses of the other tables, and reads those
--     tables.
--   - Every other view joins this one, so unpublished runs appear in no other view.
--   - A run that was planned but published nothing has no row: compare with the schedule.
WITH covered AS (
  SELECT
    run_id,
    run_at,
    run_date,
    count(*) = count(DISTINCT account_id || '.' || region) AS has_each_once,
    count_if(listing_status = 'LISTED') AS targets_read,
    count_if(is_planned AND is_active) AS targets_total,
    count_if(is_planned AND NOT is_active) AS targets_not_active,
    count_if(is_active AND NOT is_planned) AS targets_not_planned,
    sum(nodes_listed) AS nodes_listed,
    sum(nodes_collected) AS nodes_collected,
    sum(nodes_no_patch_state) AS nodes_no_patch_state,
    sum(nodes_not_collected) AS nodes_not_collected,
    sum(nodes_invalid_response) AS nodes_invalid_response,
    sum(rows_without_id) AS rows_without_id,
    count(patches_status) AS patches_targets,
    count_if(patches_status = 'COMPLETE') AS patches_targets_complete,
    sum(patches_rows) AS patches_rows,
    count(instances_status) AS instances_targets,
    count_if(instances_status = 'LISTED' AND instances_rows_without_id = 0) AS instances_targets_complete,
    sum(instances_rows) AS instances_rows,
    count(tags_status) AS tags_targets,
    count_if(tags_status = 'LISTED' AND tags_rows_without_id = 0) AS tags_targets_complete,
    sum(tags_rows) AS tags_rows
  FROM known_targets
  GROUP BY run_id, run_at, run_date
),
snapshots AS (
  SELECT run_id, run_date, count(*) AS node_rows
  FROM recent_patch_states
  GROUP BY run_id, run_date
),
compared AS (
  SELECT
    covered.run_id,
    covered.run_at,
    covered.run_date,
    /* nodes_listed is NULL where no target was read: such a run has no rows, and is published all the same. */
    covered.has_each_once AND coalesce(snapshots.node_rows, 0) = coalesce(covered.nodes_listed, 0) AS is_published,
    covered.targets_read > 0
      AND covered.targets_read = covered.targets_total
      AND coalesce(covered.rows_without_id, 0) = 0
      AND coalesce(covered.nodes_not_collected, 0) = 0
      AND coalesce(covered.nodes_invalid_response, 0) = 0 AS is_complete,
    covered.targets_read,
    covered.targets_total,
    covered.targets_not_active,
    covered.targets_not_planned,
    covered.nodes_listed,
    covered.nodes_collected,
    covered.nodes_no_patch_state,
    covered.nodes_not_collected,
    covered.nodes_invalid_response,
    covered.rows_without_id,
    CASE
      WHEN covered.patches_targets = 0 THEN 'NOT_ASKED'
      WHEN covered.patches_targets_complete = covered.targets_total THEN 'COMPLETE'
      ELSE 'PARTIAL'
    END AS patches_read,
    coalesce(covered.patches_rows, 0) AS patches_rows,
    CASE
      WHEN covered.instances_targets = 0 THEN 'NOT_ASKED'
      WHEN covered.instances_targets_complete = covered.targets_total THEN 'COMPLETE'
      ELSE 'PARTIAL'
    END AS instances_read,
    coalesce(covered.instances_rows, 0) AS instances_rows,
    CASE
      WHEN covered.tags_targets = 0 THEN 'NOT_ASKED'
      WHEN covered.tags_targets_complete = covered.targets_total THEN 'COMPLETE'
      ELSE 'PARTIAL'
    END AS tags_read,
    coalesce(covered.tags_rows, 0) AS tags_rows
  FROM covered
  LEFT JOIN snapshots ON snapshots.run_id = covered.run_id AND snapshots.run_date = covered.run_date
)
SELECT
  run_id,
  run_at,
  run_date,
  CASE WHEN NOT is_published THEN 'UNPUBLISHED' WHEN is_complete THEN 'COMPLETE' ELSE 'PARTIAL' END AS run_status,
  is_published,
  is_published AND run_id = max(CASE WHEN is_published THEN run_id END) OVER () AS is_latest,
  is_published AND run_id = max(CASE WHEN is_published THEN run_id END) OVER (PARTITION BY run_date)
    AS is_last_of_date,
  CAST(floor((to_unixtime(current_timestamp) - to_unixtime(run_at)) / 3600) AS bigint) AS run_age_hours,
  CAST(targets_read AS varchar) || ' of ' || CAST(targets_total AS varchar) || ' targets read'
    || CASE
      WHEN targets_not_planned > 0 THEN ', ' || CAST(targets_not_planned AS varchar) || ' no longer planned'
      ELSE ''
    END
    || CASE
      WHEN rows_without_id = 1 THEN ', 1 row without an id'
      WHEN rows_without_id > 1 THEN ', ' || CAST(rows_without_id AS varchar) || ' rows without an id'
      ELSE ''
    END AS run_coverage,
  targets_read,
  targets_total,
  targets_not_active,
  targets_not_planned,
  nodes_listed,
  nodes_collected,
  nodes_no_patch_state,
  nodes_not_collected,
  nodes_invalid_response,
  rows_without_id,
  patches_read,
  patches_rows,
  instances_read,
  instances_rows,
  tags_read,
  tags_rows
FROM compared
