-- Question: Was each target read in each run, and when was it read before and after?
-- Rows: one per published run in the window, and target that this run or an earlier one of the window planned.
-- Columns:
--   nodes_listed: Nodes of the target in the snapshot; this and the next five are NULL unless LISTED.
--   rows_without_id: As in coverage; NULL also for runs of older versions, which did not count them.
--   patches_status: COMPLETE: the patch state and the patches of every node of the target were read. PARTIAL: those of
--     at least one node were not. UNPUBLISHED, NOT_ASKED: as in runs. NULL for a target that the run did not plan, and
--     for one that is not active.
--   patches_nodes_not_collected: Nodes whose patches were requested but could not be read; this and the next are NULL
--     if the target was not listed or the run did not read patches.
--   patches_nodes_invalid_response: Nodes for which SSM's answer about patches broke its rules.
--   instances_status: COMPLETE: EC2 listed every instance of the target, each with an id. Otherwise as patches_status.
--   instances_detail: The reason why it is PARTIAL.
--   tags_status: As instances_status, for the tags with allowed keys.
--   tags_detail: The reason why it is PARTIAL.
--   last_read_run_id: The newest run, this one included, that listed the target; NULL if the window has none.
--   last_read_at: The scheduled time of that run.
--   last_known_nodes: The nodes that it listed.
--   last_known_rows_without_id: The rows without an id that it listed: nodes that exist but are in no snapshot.
--   last_instances_run_id: The newest run, this one included, in which EC2 listed the instances of the target; NULL if
--     the window has none.
--   last_known_instances_without_id: The rows without an id that EC2 listed in that run.
--   previous_read_run_id: The newest run before this one that listed the target; NULL if the window has none.
--   next_read_run_id: The first run after this one that listed the target; NULL if there is none yet.
-- Caveats:
--   - last_known_nodes and last_known_rows_without_id of a target that was not read come from an earlier run: use them
--     only in lower bounds.
SELECT
  target.run_id,
  target.run_at,
  target.run_date,
  target.run_status,
  target.is_latest,
  target.run_age_hours,
  target.run_coverage,
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
  CASE
    WHEN target.is_planned AND target.is_active
      THEN CASE
        WHEN runs.patches_status IN ('NOT_ASKED', 'UNPUBLISHED') THEN runs.patches_status
        ELSE coalesce(target.patches_status, 'PARTIAL')
      END
  END AS patches_status,
  target.patches_detail,
  target.patches_nodes_not_collected,
  target.patches_nodes_invalid_response,
  CASE
    WHEN target.is_planned AND target.is_active
      THEN CASE
        WHEN runs.instances_status IN ('NOT_ASKED', 'UNPUBLISHED') THEN runs.instances_status
        WHEN target.instances_status = 'LISTED' AND target.instances_rows_without_id = 0 THEN 'COMPLETE'
        ELSE 'PARTIAL'
      END
  END AS instances_status,
  CASE
    WHEN target.instances_status <> 'LISTED' THEN coalesce(target.instances_detail, target.instances_status)
    WHEN target.instances_rows_without_id > 0 THEN 'rows without an id'
  END AS instances_detail,
  CASE
    WHEN target.is_planned AND target.is_active
      THEN CASE
        WHEN runs.tags_status IN ('NOT_ASKED', 'UNPUBLISHED') THEN runs.tags_status
        WHEN target.tags_status = 'LISTED' AND target.tags_rows_without_id = 0 THEN 'COMPLETE'
        ELSE 'PARTIAL'
      END
  END AS tags_status,
  CASE
    WHEN target.tags_status <> 'LISTED' THEN coalesce(target.tags_detail, target.tags_status)
    WHEN target.tags_rows_without_id > 0 THEN 'rows without an id'
  END AS tags_detail,
  target.last_read_run_id,
  target.last_read_at,
  target.last_known_nodes,
  target.last_known_rows_without_id,
  max(
    CASE
      WHEN runs.instances_status IN ('COMPLETE', 'PARTIAL') AND target.instances_status = 'LISTED' THEN target.run_id
    END
  ) OVER (
    PARTITION BY target.account_id, target.region ORDER BY target.run_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS last_instances_run_id,
  last_value(
    CASE
      WHEN runs.instances_status IN ('COMPLETE', 'PARTIAL') AND target.instances_status = 'LISTED'
        THEN coalesce(target.instances_rows_without_id, 0)
    END
  ) IGNORE NULLS OVER (
    PARTITION BY target.account_id, target.region ORDER BY target.run_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS last_known_instances_without_id,
  target.previous_read_run_id,
  target.next_read_run_id
FROM target_listings AS target
JOIN runs ON runs.run_id = target.run_id AND runs.run_date = target.run_date
