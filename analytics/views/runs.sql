-- Question: Which runs exist, which are published, and how much of the fleet did each read?
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
--   patches_status: COMPLETE: the patch state and the patches of every node were read. PARTIAL: those of at least one
--     node or target were not. UNPUBLISHED: the table patches does not have exactly as many rows as the coverage
--     counts. NOT_ASKED: the run did not read patches.
--   instances_status: COMPLETE: EC2 listed every active target, each row with an id. The other values are those of
--     patches_status.
--   tags_status: As instances_status, for the tags with allowed keys.
-- Caveats:
--   - run_status is about nodes and patch states. The statuses of other tables never affect it.
--   - Every other view joins covered_runs, so unpublished runs appear in no other view.
--   - A run that was planned but published nothing has no row: compare with the schedule.
WITH patch_tables AS (
  SELECT run_id, run_date, count(*) AS patch_rows
  FROM recent_patches
  GROUP BY run_id, run_date
),
instance_tables AS (
  SELECT run_id, run_date, count(*) AS instance_rows
  FROM recent_instances
  GROUP BY run_id, run_date
),
tag_tables AS (
  SELECT run_id, run_date, count(*) AS tag_rows
  FROM recent_tags
  GROUP BY run_id, run_date
)
SELECT
  run.run_id,
  run.run_at,
  run.run_date,
  run.run_status,
  run.is_published,
  run.is_latest,
  run.is_last_of_date,
  run.run_age_hours,
  run.run_coverage,
  run.targets_read,
  run.targets_total,
  run.targets_not_active,
  run.targets_not_planned,
  run.nodes_listed,
  run.nodes_collected,
  run.nodes_no_patch_state,
  run.nodes_not_collected,
  run.nodes_invalid_response,
  run.rows_without_id,
  CASE
    WHEN run.patches_read <> 'NOT_ASKED' AND coalesce(patch_tables.patch_rows, 0) <> run.patches_rows THEN 'UNPUBLISHED'
    ELSE run.patches_read
  END AS patches_status,
  CASE
    WHEN run.instances_read <> 'NOT_ASKED' AND coalesce(instance_tables.instance_rows, 0) <> run.instances_rows THEN 'UNPUBLISHED'
    ELSE run.instances_read
  END AS instances_status,
  CASE
    WHEN run.tags_read <> 'NOT_ASKED' AND coalesce(tag_tables.tag_rows, 0) <> run.tags_rows THEN 'UNPUBLISHED'
    ELSE run.tags_read
  END AS tags_status
FROM covered_runs AS run
LEFT JOIN patch_tables ON patch_tables.run_id = run.run_id AND patch_tables.run_date = run.run_date
LEFT JOIN instance_tables ON instance_tables.run_id = run.run_id AND instance_tables.run_date = run.run_date
LEFT JOIN tag_tables ON tag_tables.run_id = run.run_id AND tag_tables.run_date = run.run_date
