-- Question 26: Which nodes of an owner are non-compliant?
-- Rows: one per NON_COMPLIANT node in the newest published run with the tag, and before these the UNKNOWN rows: one per
--   target whose tags or nodes were not read in full, and one per node with the tag whose state is UNKNOWN.
-- Empty: every node with the tag is compliant.
-- Parameters:
--   key (text, such as Owner): The tag key that names the owner, one of the stack's TagKeys.
--   value (any text, such as shop): The owner: the value of the tag.
-- Columns:
--   answer: KNOWN, or UNKNOWN for a target whose tags or nodes were not read in full, for a node whose state is not
--     known, and for an owner without nodes.
--   reason: Why the answer is UNKNOWN: for a target, as in targets_not_known, with the reason for the tags first; for a
--     node, its unknown_reason, or TAG_NOT_READ: the value of its tag could not be read; otherwise NO_SUCH_KEY: no
--     instance of the run has a tag with the key, or NO_SUCH_VALUE: no node has the tag with the value. NULL if KNOWN.
-- Caveats:
--   - Tag keys and values are case-sensitive.
--   - Hybrid nodes (mi-) have no EC2 tags, so they never appear.
WITH asked AS (
  SELECT CAST(? AS varchar) AS key, CAST(? AS varchar) AS value
),
there AS (
  SELECT count(*) AS tags
  FROM latest_tags
  JOIN asked ON asked.key = latest_tags.key
),
scans AS (
  SELECT account_id, region, instance_id, missing_count, failed_count, installed_pending_reboot_count, operation_end_time
  FROM latest_patch_states
)
SELECT
  CASE WHEN node.compliance_status = 'NON_COMPLIANT' AND node.tag_status = 'READ' THEN 'KNOWN' ELSE 'UNKNOWN' END AS answer,
  CASE
    WHEN there.tags = 0 THEN 'NO_SUCH_KEY'
    WHEN node.instance_id IS NULL THEN 'NO_SUCH_VALUE'
    WHEN node.tag_status <> 'READ' THEN 'TAG_NOT_READ'
    ELSE node.unknown_reason
  END AS reason,
  node.account_id,
  node.account_name,
  node.region,
  node.instance_id,
  node.computer_name,
  node.platform_name,
  node.patch_group,
  node.baseline_id,
  node.compliance_status,
  scans.missing_count,
  scans.failed_count,
  scans.installed_pending_reboot_count,
  scans.operation_end_time,
  latest_run.run_id,
  latest_run.run_status,
  latest_run.run_age_hours,
  latest_run.run_coverage
FROM node_tags AS node
JOIN asked
  ON asked.key = node.tag_key
  /* The value of a tag may be unreadable where all others of the target were read. */
  AND (asked.value = node.tag_value OR node.tag_status = 'NOT_READ' AND node.tags_status = 'COMPLETE')
LEFT JOIN scans
  ON scans.account_id = node.account_id
  AND scans.region = node.region
  AND scans.instance_id = node.instance_id
/* A run in which no node has the tag is a row too. */
RIGHT JOIN latest_run ON latest_run.run_id = node.run_id
CROSS JOIN there
WHERE node.compliance_status <> 'COMPLIANT'
  OR node.instance_id IS NULL AND latest_run.tags_status IN ('COMPLETE', 'PARTIAL')
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  coalesce(tags_reason, nodes_reason) AS reason,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS instance_id,
  CAST(NULL AS varchar) AS computer_name,
  CAST(NULL AS varchar) AS platform_name,
  CAST(NULL AS varchar) AS patch_group,
  CAST(NULL AS varchar) AS baseline_id,
  CAST(NULL AS varchar) AS compliance_status,
  CAST(NULL AS integer) AS missing_count,
  CAST(NULL AS integer) AS failed_count,
  CAST(NULL AS integer) AS installed_pending_reboot_count,
  CAST(NULL AS timestamp) AS operation_end_time,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM targets_not_known
WHERE tags_reason IS NOT NULL OR nodes_reason IS NOT NULL
ORDER BY answer DESC, account_id NULLS FIRST, region, instance_id NULLS FIRST
