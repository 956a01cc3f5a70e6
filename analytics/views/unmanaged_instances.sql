-- Question: Which EC2 instances run, although Systems Manager does not manage them?
-- Rows: one per instance of the newest published run that is NOT_MANAGED.
-- Columns:
--   tags: Its tags with allowed keys, such as "Environment=prod, Owner=shop"; empty if it has none. NULL where they
--     were not read in full.
-- Caveats:
--   - targets_not_known has the targets that may have such instances that are not here, and instance_management those
--     whose state is not known.
--   - An EC2 instance that is registered with SSM as a hybrid node (mi-) is here.
WITH labels AS (
  SELECT
    account_id, region, instance_id,
    array_join(array_agg(key || '=' || value ORDER BY key), ', ') AS tags,
    count_if(value IS NULL) AS tags_not_known
  FROM latest_tags
  GROUP BY account_id, region, instance_id
)
SELECT
  instance.run_id,
  instance.run_at,
  instance.run_date,
  instance.run_status,
  instance.run_age_hours,
  instance.run_coverage,
  instance.account_id,
  instance.account_name,
  instance.region,
  instance.instance_id,
  instance.${InstanceColumns},
  CASE
    WHEN target.tags_status = 'COMPLETE' AND coalesce(labels.tags_not_known, 0) = 0 THEN coalesce(labels.tags, '')
  END AS tags
FROM instance_management AS instance
JOIN latest_coverage AS target ON target.account_id = instance.account_id AND target.region = instance.region
LEFT JOIN labels
  ON labels.account_id = instance.account_id
  AND labels.region = instance.region
  AND labels.instance_id = instance.instance_id
WHERE instance.is_latest AND instance.management = 'NOT_MANAGED'
