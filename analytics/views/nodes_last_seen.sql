-- Question: Which nodes in the window are not in the newest published run, and when was each last seen?
-- Rows: one per node in the window that the newest published run did not list.
-- Columns:
--   reason: VANISHED: a later run listed its target without it. TARGET_NOT_READ: its target has not been listed since.
--     ACCOUNT_NOT_ACTIVE: the same, and its account is closed or suspended. TARGET_NOT_PLANNED: the newest published
--     run does not cover the target.
--   last_seen_run_id: The last published run that listed the node.
--   last_seen_at: The scheduled time of that run.
--   missed_run_id: The first run after it that listed the target without the node; NULL unless VANISHED.
--   last_compliance_status: The node's state when it was last seen.
--   last_unknown_reason: Why that state was UNKNOWN; NULL otherwise.
--   days_since_seen: Days from last_seen_at to the newest published run, by UTC date.
-- Caveats:
--   - SSM leaves out stopped and terminated EC2 nodes: VANISHED does not distinguish them from nodes that were
--     deregistered.
--   - If a listing has rows without an id (run_coverage), a node that it does not name may be one of them.
--   - A node that was last listed before the window has no row.
WITH sightings AS (
  SELECT account_id, region, instance_id, max(run_id) AS last_seen_run_id, max(run_date) AS last_seen_date
  FROM node_compliance
  GROUP BY account_id, region, instance_id
),
/* Those that the newest run does not have come first: they are few. */
gone AS (
  SELECT
    sightings.account_id,
    sightings.region,
    sightings.instance_id,
    sightings.last_seen_run_id,
    sightings.last_seen_date,
    latest.run_id,
    latest.run_at,
    latest.run_date,
    latest.run_status,
    latest.run_age_hours,
    latest.run_coverage,
    latest.listing_status,
    seen.next_read_run_id
  FROM sightings
  JOIN target_listings AS latest
    ON latest.is_latest
    AND latest.account_id = sightings.account_id
    AND latest.region = sightings.region
    AND latest.run_id <> sightings.last_seen_run_id
  JOIN target_listings AS seen
    ON seen.run_id = sightings.last_seen_run_id
    AND seen.account_id = sightings.account_id
    AND seen.region = sightings.region
)
SELECT
  gone.run_id,
  gone.run_at,
  gone.run_date,
  gone.run_status,
  gone.run_age_hours,
  gone.run_coverage,
  node.account_id,
  node.region,
  node.instance_id,
  node.computer_name,
  node.platform_name,
  node.patch_group,
  CASE
    WHEN gone.next_read_run_id IS NOT NULL THEN 'VANISHED'
    WHEN gone.listing_status = 'TARGET_NOT_PLANNED' THEN 'TARGET_NOT_PLANNED'
    WHEN gone.listing_status = 'ACCOUNT_NOT_ACTIVE' THEN 'ACCOUNT_NOT_ACTIVE'
    ELSE 'TARGET_NOT_READ'
  END AS reason,
  gone.last_seen_run_id,
  node.run_at AS last_seen_at,
  gone.next_read_run_id AS missed_run_id,
  node.compliance_status AS last_compliance_status,
  node.unknown_reason AS last_unknown_reason,
  date_diff('day', CAST(node.run_at AS date), CAST(gone.run_at AS date)) AS days_since_seen
FROM node_states AS node
JOIN gone
  ON gone.last_seen_run_id = node.run_id
  AND gone.last_seen_date = node.run_date
  AND gone.account_id = node.account_id
  AND gone.region = node.region
  AND gone.instance_id = node.instance_id
