-- Question 16: What could not be read?
-- Rows: one per target that the newest published run did not list, including closed and suspended accounts and targets
--   that it no longer plans, one per target whose listing had rows without an id, one per target and table of patches,
--   instances or tags that it could not read in full, and one per node whose state it could not read.
-- Columns:
--   what: TARGET, ROWS, PATCHES, INSTANCES, TAGS or NODE.
--   reason: The listing_status of a target, the collection_status of a node; ROWS_WITHOUT_ID for rows without an id:
--     nodes that exist but cannot be in the snapshot (report them to AWS Support). For patches, instances and tags,
--     PARTIAL or UNPUBLISHED.
--   detail: The error code or the rule that was broken; NULL if there is none.
--   last_known_nodes: The nodes of a target when it was last listed; NULL for a node, and if the window has no listing.
--   last_known_rows_without_id: The rows without an id of that listing; NULL in the same cases.
--   last_read_at: The time of that listing; NULL for a node.
--   days_since_read: Days from that listing to the newest published run; NULL for a node.
-- Caveats:
--   - Nodes of an unread target have no rows, since their number is not known.
SELECT
  'TARGET' AS what,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS instance_id,
  listing_status AS reason,
  listing_detail AS detail,
  last_known_nodes,
  last_known_rows_without_id,
  last_read_at,
  days_since_read,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_coverage
WHERE listing_status <> 'LISTED'
UNION ALL
SELECT
  'ROWS' AS what,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS instance_id,
  'ROWS_WITHOUT_ID' AS reason,
  CAST(NULL AS varchar) AS detail,
  last_known_nodes,
  last_known_rows_without_id,
  last_read_at,
  days_since_read,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_coverage
WHERE rows_without_id > 0
UNION ALL
SELECT
  'PATCHES' AS what,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS instance_id,
  patches_status AS reason,
  patches_detail AS detail,
  CAST(NULL AS integer) AS last_known_nodes,
  CAST(NULL AS integer) AS last_known_rows_without_id,
  CAST(NULL AS timestamp) AS last_read_at,
  CAST(NULL AS bigint) AS days_since_read,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_coverage
WHERE listing_status = 'LISTED' AND patches_status IN ('PARTIAL', 'UNPUBLISHED')
UNION ALL
SELECT
  'INSTANCES' AS what,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS instance_id,
  instances_status AS reason,
  instances_detail AS detail,
  CAST(NULL AS integer) AS last_known_nodes,
  CAST(NULL AS integer) AS last_known_rows_without_id,
  CAST(NULL AS timestamp) AS last_read_at,
  CAST(NULL AS bigint) AS days_since_read,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_coverage
WHERE instances_status IN ('PARTIAL', 'UNPUBLISHED')
UNION ALL
SELECT
  'TAGS' AS what,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS instance_id,
  tags_status AS reason,
  tags_detail AS detail,
  CAST(NULL AS integer) AS last_known_nodes,
  CAST(NULL AS integer) AS last_known_rows_without_id,
  CAST(NULL AS timestamp) AS last_read_at,
  CAST(NULL AS bigint) AS days_since_read,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM latest_coverage
WHERE tags_status IN ('PARTIAL', 'UNPUBLISHED')
UNION ALL
SELECT
  'NODE' AS what,
  node.account_id,
  target.account_name,
  node.region,
  node.instance_id,
  node.collection_status AS reason,
  node.collection_detail AS detail,
  CAST(NULL AS integer) AS last_known_nodes,
  CAST(NULL AS integer) AS last_known_rows_without_id,
  CAST(NULL AS timestamp) AS last_read_at,
  CAST(NULL AS bigint) AS days_since_read,
  node.run_id,
  node.run_status,
  node.run_age_hours,
  node.run_coverage
FROM latest_patch_states AS node
JOIN latest_coverage AS target ON target.account_id = node.account_id AND target.region = node.region
WHERE coalesce(node.collection_status, '') NOT IN ('COLLECTED', 'NO_PATCH_STATE')
ORDER BY what DESC, account_id, region, instance_id
