-- Question: Which patches are behind the non-compliant nodes, and how many nodes need each?
-- Rows: one per patch that the newest published run saw on a node, in any of the states that are read.
-- Columns:
--   severity: The highest severity that a node reports for it, by severity_rank, in the vendor's words.
--   nodes_lower_bound: The number of nodes known to need it (Missing, Failed or InstalledPendingReboot). The actual
--     number may be higher, unless patches_not_known has no rows.
--   accounts_lower_bound: The number of accounts that these nodes are in. The actual number may be higher.
--   nodes_missing: Nodes where it is Missing.
--   nodes_failed: Nodes where its installation failed.
--   nodes_awaiting_reboot: Nodes where it is installed and awaits a reboot.
--   nodes_rejected: Nodes where it is installed although their baseline rejects it. They do not need it.
--   nodes_available: Nodes whose baseline has not approved it (AvailableSecurityUpdate). They do not count as needing
--     it.
--   cves: The CVEs that it resolves according to patch_cves; NULL if SSM named none.
--   oldest_at: The first run in the window in which one of the nodes that now need it already needed it; NULL if none
--     needs it.
-- Caveats:
--   - The id and the title together identify a patch: the updates of two months are two patches.
--   - The window and the age of the lake limit oldest_at.
WITH ranked AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
    account_id, region, instance_id, kb_id, title, classification, severity, severity_rank, state, is_open, is_known,
    max(severity_rank) OVER (PARTITION BY kb_id, title) AS highest_rank
  FROM latest_patches
  WHERE kb_id IS NOT NULL AND title IS NOT NULL
),
figures AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status, kb_id, title,
    max(classification) AS classification,
    max(CASE WHEN severity_rank = highest_rank THEN severity END) AS severity,
    max(severity_rank) AS severity_rank,
    count_if(is_open) AS nodes_lower_bound,
    count(DISTINCT CASE WHEN is_open THEN account_id END) AS accounts_lower_bound,
    count_if(state = 'Missing') AS nodes_missing,
    count_if(state = 'Failed') AS nodes_failed,
    count_if(state = 'InstalledPendingReboot') AS nodes_awaiting_reboot,
    count_if(state = 'InstalledRejected') AS nodes_rejected,
    count_if(state = 'AvailableSecurityUpdate') AS nodes_available,
    count_if(state IN ('Missing', 'Failed') AND is_known) AS nodes_naming_cves
  FROM ranked
  GROUP BY run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status, kb_id, title
),
histories AS (
  SELECT earlier.kb_id, earlier.title, min(earlier.run_at) AS oldest_at
  FROM node_patches AS earlier
  JOIN ranked
    ON ranked.account_id = earlier.account_id
    AND ranked.region = earlier.region
    AND ranked.instance_id = earlier.instance_id
    AND ranked.kb_id = earlier.kb_id
    AND ranked.title = earlier.title
  WHERE earlier.is_open AND ranked.is_open
  GROUP BY earlier.kb_id, earlier.title
),
resolved AS (
  SELECT kb_id, title, count(*) AS cves
  FROM patch_cves
  GROUP BY kb_id, title
)
SELECT
  figures.run_id,
  figures.run_at,
  figures.run_date,
  figures.run_status,
  figures.run_age_hours,
  figures.run_coverage,
  figures.patches_status,
  figures.kb_id,
  figures.title,
  figures.classification,
  figures.severity,
  figures.severity_rank,
  figures.nodes_lower_bound,
  figures.accounts_lower_bound,
  figures.nodes_missing,
  figures.nodes_failed,
  figures.nodes_awaiting_reboot,
  figures.nodes_rejected,
  figures.nodes_available,
  CASE WHEN resolved.cves > 0 THEN resolved.cves WHEN figures.nodes_naming_cves > 0 THEN 0 END AS cves,
  histories.oldest_at
FROM figures
LEFT JOIN histories ON histories.kb_id = figures.kb_id AND histories.title = figures.title
LEFT JOIN resolved ON resolved.kb_id = figures.kb_id AND resolved.title = figures.title
