-- Question: Which targets did the newest published run not read in full: their nodes, instances or tags?
-- Rows: one per active target where one of these three was not read in full.
-- Columns:
--   account_name: As in coverage.
--   nodes_reason: Why SSM's nodes of the target are not all known: "nodes: " and the listing_status, or rows without an
--     id. This and the next two: NULL where all were read; TARGET_NOT_PLANNED as in known_targets.
--   instances_reason: Why its EC2 instances are not all known: the error code or reason, UNPUBLISHED, or NOT_ASKED
--     where the run did not read instances; or instances in an unknown state, which may be running or stopped.
--   tags_reason: Why the tags of its instances are not all known, in the same words.
-- Caveats:
--   - If the window has no published run there are no rows: latest_run says so.
WITH stateless AS (
  SELECT run_id, run_date, account_id, region, count(*) AS instances
  FROM recent_instances
  WHERE coalesce(state, '') NOT IN ('pending', 'running', 'shutting-down', 'terminated', 'stopping', 'stopped')
  GROUP BY run_id, run_date, account_id, region
),
reasons AS (
  SELECT
    target.run_id, target.run_at, target.run_date, target.run_status, target.run_age_hours, target.run_coverage,
    target.account_id, target.account_name, target.region,
    CASE
      WHEN NOT target.is_planned THEN 'TARGET_NOT_PLANNED'
      WHEN target.listing_status <> 'LISTED' THEN 'nodes: ' || target.listing_status
      WHEN target.rows_without_id > 0 THEN 'nodes: rows without an id'
    END AS nodes_reason,
    CASE
      WHEN NOT target.is_planned THEN 'TARGET_NOT_PLANNED'
      WHEN target.instances_status = 'PARTIAL' THEN coalesce(target.instances_detail, 'PARTIAL')
      WHEN target.instances_status <> 'COMPLETE' THEN target.instances_status
      WHEN stateless.instances > 0 THEN 'instances in an unknown state'
    END AS instances_reason,
    CASE
      WHEN NOT target.is_planned THEN 'TARGET_NOT_PLANNED'
      WHEN target.tags_status = 'PARTIAL' THEN coalesce(target.tags_detail, 'PARTIAL')
      WHEN target.tags_status <> 'COMPLETE' THEN target.tags_status
    END AS tags_reason
  FROM latest_coverage AS target
  LEFT JOIN stateless
    ON stateless.run_id = target.run_id
    AND stateless.run_date = target.run_date
    AND stateless.account_id = target.account_id
    AND stateless.region = target.region
  WHERE target.is_active
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
