-- Question: Which nodes must the latest figures account for, including those of unread targets?
-- Rows: one per node of each active target of the newest published run: the nodes that it listed and, for a target that
--   it could not read or no longer planned, the nodes that were last listed.
-- Columns:
--   platform_type: As last read in the window; this and the next four columns may be from an earlier run.
--   platform_name: As last read in the window.
--   platform_version: As last read in the window.
--   patch_group: As last read in the window; NULL where SSM has no patch state, or none was read.
--   baseline_id: As last read in the window.
--   is_read: Whether the newest published run read the node's target.
--   is_platform_known: Whether a run in the window read all three columns of the node's platform.
--   is_patch_group_known: Whether a run in the window read the node's patch group, or the newest published run found
--     that SSM has no patch state for the node.
--   compliance_status: As in node_compliance; UNKNOWN for a node of a target that was not read, whatever its state was
--     before.
--   unknown_reason: As in node_compliance, or TARGET_NOT_READ, or TARGET_NOT_PLANNED.
--   last_seen_run_id: The last run that listed the node: the newest published run if it read the node's target.
-- Caveats:
--   - If a node's platform or patch group was not read, or SSM left it out, the last known one is shown.
--   - An unread target that no run in the window has listed has no rows: see latest_coverage.
WITH listed AS (
  SELECT
    target.run_id, target.run_at, target.run_date, target.run_status, target.run_age_hours, target.run_coverage,
    target.listing_status,
    node.run_id AS last_seen_run_id, node.account_id, node.region, node.instance_id, node.computer_name,
    node.platform_type, node.platform_name, node.platform_version, node.patch_group, node.baseline_id,
    node.is_platform_known,
    node.patch_group IS NOT NULL
      OR node.collection_status = 'NO_PATCH_STATE' AND target.listing_status = 'LISTED' AS is_patch_group_known,
    node.compliance_status, node.unknown_reason, node.is_ec2
  FROM node_states AS node
  JOIN target_listings AS target
    ON target.last_read_run_id = node.run_id
    AND target.last_read_date = node.run_date
    AND target.account_id = node.account_id
    AND target.region = node.region
  WHERE target.is_latest AND target.is_active
),
/* Only nodes whose last row lacks something: in most runs there are few or none. */
earlier AS (
  SELECT
    node.account_id, node.region, node.instance_id, node.run_id,
    node.platform_type, node.platform_name, node.platform_version, node.patch_group, node.baseline_id,
    max(CASE WHEN node.is_platform_known THEN node.run_id END) OVER (
      PARTITION BY node.account_id, node.region, node.instance_id
    ) AS platform_run_id,
    max(CASE WHEN node.patch_group IS NOT NULL THEN node.run_id END) OVER (
      PARTITION BY node.account_id, node.region, node.instance_id
    ) AS patch_group_run_id
  FROM node_compliance AS node
  JOIN listed
    ON listed.account_id = node.account_id AND listed.region = node.region AND listed.instance_id = node.instance_id
  WHERE node.run_id < listed.last_seen_run_id AND NOT (listed.is_platform_known AND listed.is_patch_group_known)
),
last_known AS (
  SELECT
    account_id, region, instance_id,
    max(platform_run_id) AS platform_run_id,
    max(patch_group_run_id) AS patch_group_run_id,
    max(CASE WHEN run_id = platform_run_id THEN platform_type END) AS platform_type,
    max(CASE WHEN run_id = platform_run_id THEN platform_name END) AS platform_name,
    max(CASE WHEN run_id = platform_run_id THEN platform_version END) AS platform_version,
    max(CASE WHEN run_id = patch_group_run_id THEN patch_group END) AS patch_group,
    max(CASE WHEN run_id = patch_group_run_id THEN baseline_id END) AS baseline_id
  FROM earlier
  GROUP BY account_id, region, instance_id
)
SELECT
  listed.run_id,
  listed.run_at,
  listed.run_date,
  listed.run_status,
  listed.run_age_hours,
  listed.run_coverage,
  listed.account_id,
  listed.region,
  listed.instance_id,
  listed.computer_name,
  CASE
    WHEN listed.is_platform_known OR last_known.platform_run_id IS NULL THEN listed.platform_type
    ELSE last_known.platform_type
  END AS platform_type,
  CASE
    WHEN listed.is_platform_known OR last_known.platform_run_id IS NULL THEN listed.platform_name
    ELSE last_known.platform_name
  END AS platform_name,
  CASE
    WHEN listed.is_platform_known OR last_known.platform_run_id IS NULL THEN listed.platform_version
    ELSE last_known.platform_version
  END AS platform_version,
  CASE WHEN listed.is_patch_group_known THEN listed.patch_group ELSE last_known.patch_group END AS patch_group,
  CASE WHEN listed.is_patch_group_known THEN listed.baseline_id ELSE last_known.baseline_id END AS baseline_id,
  listed.listing_status = 'LISTED' AS is_read,
  listed.is_platform_known OR last_known.platform_run_id IS NOT NULL AS is_platform_known,
  listed.is_patch_group_known OR last_known.patch_group_run_id IS NOT NULL AS is_patch_group_known,
  CASE WHEN listed.listing_status = 'LISTED' THEN listed.compliance_status ELSE 'UNKNOWN' END AS compliance_status,
  CASE listed.listing_status
    WHEN 'LISTED' THEN listed.unknown_reason
    WHEN 'TARGET_NOT_PLANNED' THEN 'TARGET_NOT_PLANNED'
    ELSE 'TARGET_NOT_READ'
  END AS unknown_reason,
  listed.last_seen_run_id,
  listed.is_ec2
FROM listed
LEFT JOIN last_known
  ON last_known.account_id = listed.account_id
  AND last_known.region = listed.region
  AND last_known.instance_id = listed.instance_id
