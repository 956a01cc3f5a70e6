-- Question 23: Which running instances does Systems Manager not manage, by account and owner?
-- Rows: one per EC2 instance in the newest published run that is NOT_MANAGED, and one per target or instance where that
--   is not known; these come first.
-- Empty: every running instance is a node of SSM, has just been started, or is operated by an AWS service.
-- Parameters:
--   key (text, such as Owner): The tag key that names the owner, one of the stack's TagKeys.
-- Columns:
--   answer: KNOWN, or UNKNOWN for a target whose instances or nodes were not read in full, and for an instance whose
--     state is not known.
--   reason: Why the answer is UNKNOWN. For a target, as in targets_not_known, with the reason for the instances first;
--     for an instance, STATE_NOT_KNOWN: it may be running. NULL otherwise.
--   owner: The value of the tag; NULL if owner_status is not READ.
--   owner_status: READ; NO_TAG: the instance has no tag with the key; NOT_READ: its tags, or those of this key, were
--     not read. NULL for an UNKNOWN row.
-- Caveats:
--   - launch_time is the time of the last launch.
--   - If no instance has a tag with the key, owner_status is NOT_READ: it is not known whether the run asked for the
--     key.
WITH asked AS (
  SELECT CAST(? AS varchar) AS key
),
there AS (
  SELECT count(*) AS tags
  FROM latest_tags
  JOIN asked ON asked.key = latest_tags.key
)
SELECT
  'KNOWN' AS answer,
  CAST(NULL AS varchar) AS reason,
  instance.account_id,
  instance.account_name,
  instance.region,
  tag.value AS owner,
  CASE
    WHEN tag.value IS NOT NULL THEN 'READ'
    WHEN tag.instance_id IS NULL AND there.tags > 0 AND instance.tags IS NOT NULL THEN 'NO_TAG'
    ELSE 'NOT_READ'
  END AS owner_status,
  instance.instance_id,
  instance.launch_time,
  instance.image_id,
  instance.platform_details,
  instance.instance_type,
  instance.iam_instance_profile,
  instance.run_id,
  instance.run_status,
  instance.run_age_hours,
  instance.run_coverage
FROM unmanaged_instances AS instance
CROSS JOIN asked
CROSS JOIN there
LEFT JOIN latest_tags AS tag
  ON tag.account_id = instance.account_id
  AND tag.region = instance.region
  AND tag.instance_id = instance.instance_id
  AND tag.key = asked.key
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  coalesce(instances_reason, nodes_reason) AS reason,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS owner,
  CAST(NULL AS varchar) AS owner_status,
  CAST(NULL AS varchar) AS instance_id,
  CAST(NULL AS timestamp) AS launch_time,
  CAST(NULL AS varchar) AS image_id,
  CAST(NULL AS varchar) AS platform_details,
  CAST(NULL AS varchar) AS instance_type,
  CAST(NULL AS varchar) AS iam_instance_profile,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM targets_not_known
WHERE instances_reason IS NOT NULL OR nodes_reason IS NOT NULL
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  unknown_reason AS reason,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS owner,
  CAST(NULL AS varchar) AS owner_status,
  instance_id,
  launch_time,
  image_id,
  platform_details,
  instance_type,
  iam_instance_profile,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM instance_management
WHERE is_latest AND unknown_reason = 'STATE_NOT_KNOWN'
ORDER BY answer DESC, account_id, owner_status DESC, owner, region, instance_id
