-- Question: Which EC2 instances are running, but not managed by Systems Manager?
-- Rows: one per instance in the newest published run that is NOT_MANAGED.
-- Columns:
--   tags: Its tags with allowed keys, such as "Environment=prod, Owner=shop"; empty if it has none. NULL if they were
--     not read in full.
-- Caveats:
--   - targets_not_known lists the targets that may have such instances that this view does not show, and
--     instance_management the instances whose state is not known.
--   - An EC2 instance that is registered with SSM as a hybrid node (mi-) has a row too.
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
