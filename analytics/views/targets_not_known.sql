-- Question: Which targets did the newest published run not read in full: their nodes, instances or tags?
-- Rows: one per active target where one of these three was not read in full.
-- Columns:
--   account_name: As in coverage.
--   nodes_reason: Why SSM's nodes of the target are not all known: "nodes: " and the listing_status, or rows without an
--     id. This and the next two: NULL where all were read; TARGET_NOT_PLANNED as in known_targets.
--   instances_reason: Why its EC2 instances are not all known: the error code or reason, UNPUBLISHED, or NOT_ASKED
--     where the run did not read instances.
--   tags_reason: Why the tags of its instances are not all known, in the same words.
-- Caveats:
--   - If the window has no published run there are no rows: latest_run says so.
WITH reasons AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage,
    account_id, account_name, region,
    CASE
      WHEN NOT is_planned THEN 'TARGET_NOT_PLANNED'
      WHEN listing_status <> 'LISTED' THEN 'nodes: ' || listing_status
      WHEN rows_without_id > 0 THEN 'nodes: rows without an id'
    END AS nodes_reason,
    CASE
      WHEN NOT is_planned THEN 'TARGET_NOT_PLANNED'
      WHEN instances_status = 'PARTIAL' THEN coalesce(instances_detail, 'PARTIAL')
      WHEN instances_status <> 'COMPLETE' THEN instances_status
    END AS instances_reason,
    CASE
      WHEN NOT is_planned THEN 'TARGET_NOT_PLANNED'
      WHEN tags_status = 'PARTIAL' THEN coalesce(tags_detail, 'PARTIAL')
      WHEN tags_status <> 'COMPLETE' THEN tags_status
    END AS tags_reason
  FROM latest_coverage
  WHERE is_active
)
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
  nodes_reason,
  instances_reason,
  tags_reason
FROM reasons
WHERE nodes_reason IS NOT NULL OR instances_reason IS NOT NULL OR tags_reason IS NOT NULL
