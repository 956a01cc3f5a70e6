-- Question: Which tags does each of the latest known nodes have?
-- Rows: one per latest known node and tag key that the newest published run saw; one per node, with a tag_key of NULL,
--   if it saw no tag.
-- Columns:
--   tag_key: A key that at least one instance of the run has; NULL if no instance has a tag.
--   tag_status: READ: the node has a tag with the key. NO_TAG: it does not. NOT_READ: not known. NOT_EC2: the node is
--     not an EC2 instance, such as a hybrid node, and has no EC2 tags.
--   tag_value: The value of the tag, which may be empty; NULL unless READ.
-- Caveats:
--   - A node has a row for each key: count nodes by one key only.
SELECT
  node.run_id,
  node.run_at,
  node.run_date,
  node.run_status,
  node.run_age_hours,
  node.run_coverage,
  node.account_id,
  target.account_name,
  node.region,
  node.instance_id,
  node.computer_name,
  node.platform_name,
  node.patch_group,
  node.baseline_id,
  node.is_read,
  node.compliance_status,
  node.unknown_reason,
  target.tags_status,
  tag_keys.key AS tag_key,
  CASE
    WHEN NOT node.is_ec2 THEN 'NOT_EC2'
    WHEN tag.value IS NOT NULL THEN 'READ'
    WHEN tag.instance_id IS NULL AND target.tags_status = 'COMPLETE' THEN 'NO_TAG'
    ELSE 'NOT_READ'
  END AS tag_status,
  CASE WHEN node.is_ec2 THEN tag.value END AS tag_value
FROM latest_known_nodes AS node
JOIN latest_coverage AS target ON target.account_id = node.account_id AND target.region = node.region
LEFT JOIN (SELECT DISTINCT run_id, key FROM latest_tags) AS tag_keys ON tag_keys.run_id = node.run_id
LEFT JOIN latest_tags AS tag
  ON tag.account_id = node.account_id
  AND tag.region = node.region
  AND tag.instance_id = node.instance_id
  AND tag.key = tag_keys.key
