-- Question: Whose patches are not known, and why?
-- Rows: one per active target whose patches the newest published run did not read in full, one per node of that run
--   that was never scanned, and one per node with a patch of which a value broke a rule.
-- Columns:
--   account_name: As in coverage.
--   instance_id: The node; NULL for a target.
--   reason: For a target, as patches_detail says: the source and what it lacks, or the error code; NOT_ASKED: the run did
--     not read patches. UNPUBLISHED: the table patches is not there in full. TARGET_NOT_PLANNED: as in known_targets. For
--     a node, NO_PATCH_STATE, or the rule that a value broke.
--   nodes: The nodes that this row stands for, rows without an id included; NULL for a target that was not listed, whose
--     number of nodes is not known.
-- Caveats:
--   - Every figure about patches counts what is known. These nodes may need any patch.
--   - If the window has no published run there are no rows: latest_run says so.
WITH broken AS (
  SELECT account_id, region, instance_id, min(coalesce(collection_detail, 'State: ' || state)) AS reason
  FROM node_patches
  WHERE is_latest AND collection_status = 'COLLECTED' AND NOT is_known
  GROUP BY account_id, region, instance_id
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
  CAST(NULL AS varchar) AS instance_id,
  CAST(NULL AS varchar) AS computer_name,
  CAST(NULL AS varchar) AS platform_name,
  CAST(NULL AS varchar) AS patch_group,
  CASE
    WHEN NOT is_planned THEN 'TARGET_NOT_PLANNED'
    WHEN patches_status = 'PARTIAL' THEN coalesce(patches_detail, 'PARTIAL')
    ELSE patches_status
  END AS reason,
  CASE
    WHEN listing_status <> 'LISTED' THEN NULL
    WHEN patches_status = 'PARTIAL'
      THEN coalesce(nodes_not_collected, 0) + coalesce(nodes_invalid_response, 0) + coalesce(rows_without_id, 0)
        + coalesce(patches_nodes_not_collected, 0) + coalesce(patches_nodes_invalid_response, 0)
    ELSE nodes_listed + coalesce(rows_without_id, 0)
  END AS nodes
FROM latest_coverage
WHERE is_active AND coalesce(patches_status, 'TARGET_NOT_PLANNED') <> 'COMPLETE'
UNION ALL
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
  coalesce(broken.reason, node.collection_status) AS reason,
  1 AS nodes
FROM latest_patch_states AS node
JOIN latest_coverage AS target ON target.account_id = node.account_id AND target.region = node.region
LEFT JOIN broken
  ON broken.account_id = node.account_id
  AND broken.region = node.region
  AND broken.instance_id = node.instance_id
WHERE node.collection_status = 'NO_PATCH_STATE' OR broken.instance_id IS NOT NULL
