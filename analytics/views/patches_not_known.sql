-- Question: Whose patches are not known, and why?
-- Rows: one per active target whose patches the newest published run did not read in full, and one per node of that run
--   whose patches were read but are still not known.
-- Columns:
--   account_name: As in coverage.
--   instance_id: The node; NULL for a target.
--   reason: For a target, as in patches_detail: the source and what it lacks, or the error code. NOT_ASKED: the run did
--     not read patches. UNPUBLISHED: the table patches is incomplete. TARGET_NOT_PLANNED: as in known_targets. For a
--     node, the first that applies: the rule that a value of a patch broke, or a collection_status that this version of
--     the view does not know, of a patch or of the node; NO_PATCH_STATE: it was never scanned; SCAN_TIME_INVALID or
--     STALE_SCAN: its last scan does not show today's patches, as in node_compliance; COUNTS_DIFFER: its patches do not
--     match its own counts, as in patch_count_checks.
--   nodes: The number of nodes that this row stands for, including rows without an id; NULL for a target that was not
--     listed, since the number is not known.
-- Caveats:
--   - Figures about patches count only what is known. These nodes may need any patch.
--   - If the window has no published run, there are no rows: latest_run says so.
WITH found AS (
  SELECT
    account_id, region, instance_id,
    min(CASE
      /* The target has a row for those that were not read. */
      WHEN is_known OR collection_status IN ('NOT_COLLECTED', 'INVALID_RESPONSE') THEN NULL
      WHEN collection_status <> 'COLLECTED' THEN collection_status
      WHEN is_open IS NULL THEN coalesce(collection_detail, 'State: ' || state)
      ELSE coalesce(collection_detail, 'CVEIds: expected the ids of CVEs')
    END) AS broken_rule,
    count_if(collection_status IN ('NOT_COLLECTED', 'INVALID_RESPONSE')) AS rows_not_read,
    count_if(state = 'Missing') AS missing_rows,
    count_if(state = 'Failed') AS failed_rows,
    count_if(state = 'InstalledPendingReboot') AS installed_pending_reboot_rows,
    count_if(state = 'InstalledRejected') AS installed_rejected_rows
  FROM node_patches
  WHERE is_latest
  GROUP BY account_id, region, instance_id
),
judged AS (
  SELECT
    node.run_id, node.run_at, node.run_date, node.run_status, node.run_age_hours, node.run_coverage,
    node.account_id, target.account_name, node.region, node.instance_id,
    node.computer_name, node.platform_name, node.patch_group,
    CASE
      /* The row of the target stands for all of its nodes. */
      WHEN target.patches_status NOT IN ('COMPLETE', 'PARTIAL') THEN NULL
      WHEN found.broken_rule IS NOT NULL THEN found.broken_rule
      WHEN node.collection_status <> 'COLLECTED' THEN node.collection_status
      WHEN node.scan_age_days IS NULL THEN 'SCAN_TIME_INVALID'
      WHEN node.is_stale THEN 'STALE_SCAN'
      WHEN coalesce(found.rows_not_read, 0) = 0 AND (
        node.missing_count <> coalesce(found.missing_rows, 0)
        OR node.failed_count <> coalesce(found.failed_rows, 0)
        OR node.installed_pending_reboot_count <> coalesce(found.installed_pending_reboot_rows, 0)
        OR node.installed_rejected_count <> coalesce(found.installed_rejected_rows, 0)
      ) THEN 'COUNTS_DIFFER'
    END AS reason
  FROM latest_patch_states AS node
  JOIN latest_coverage AS target ON target.account_id = node.account_id AND target.region = node.region
  LEFT JOIN found
    ON found.account_id = node.account_id
    AND found.region = node.region
    AND found.instance_id = node.instance_id
  /* The target has a row for the others. */
  WHERE node.collection_status NOT IN ('NOT_COLLECTED', 'INVALID_RESPONSE')
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
  run_id,
  run_at,
  run_date,
  run_status,
  run_age_hours,
  run_coverage,
  account_id,
  account_name,
  region,
  instance_id,
  computer_name,
  platform_name,
  patch_group,
  reason,
  1 AS nodes
FROM judged
WHERE reason IS NOT NULL
