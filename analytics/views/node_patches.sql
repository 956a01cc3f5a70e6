-- Question: Which patches does each node have, and in which states?
-- Rows: one per node and patch of each published run in the window that read patches, and one per node that SSM was
--   asked about but that has none, or that could not be read.
-- Columns:
--   patches_status: As in runs: COMPLETE or PARTIAL.
--   is_open: Whether the node still needs the patch: true for Missing, Failed and InstalledPendingReboot; false for
--     InstalledRejected, AvailableSecurityUpdate and a node without a patch; NULL where that is not known.
--   is_known: Whether the row has everything that SSM knows: false if the node could not be read, or if the state, the
--     title, the id or the CVEs of the patch broke a rule.
-- Caveats:
--   - SSM is not asked about a node that needs no patch, so it has no row. patches_not_known lists the nodes and
--     targets that may need patches that this view does not show.
--   - Only Missing and Failed patches have cve_ids: use patch_cves to find the patches for a CVE.
SELECT
  patch.run_id,
  patch.run_at,
  patch.run_date,
  run.run_status,
  run.is_latest,
  run.run_age_hours,
  run.run_coverage,
  run.patches_status,
  patch.account_id,
  patch.region,
  patch.instance_id,
  patch.collection_status,
  patch.collection_detail,
  patch.collected_at,
  patch.title,
  trim(patch.kb_id) AS kb_id,
  patch.classification,
  patch.severity,
  patch.state,
  patch.installed_time,
  patch.cve_ids,
  CASE
    WHEN patch.state IN ('Missing', 'Failed', 'InstalledPendingReboot') THEN true
    WHEN patch.state IN ('InstalledRejected', 'AvailableSecurityUpdate') OR patch.collection_status = 'NO_PATCHES' THEN false
  END AS is_open,
  patch.collection_status = 'NO_PATCHES'
    OR patch.collection_status = 'COLLECTED'
      AND coalesce(
        patch.state IN ('Missing', 'Failed', 'InstalledPendingReboot')
          OR patch.state IN ('InstalledRejected', 'AvailableSecurityUpdate'),
        false
      )
      AND patch.title IS NOT NULL
      AND patch.kb_id IS NOT NULL
      AND (patch.cve_ids IS NOT NULL OR coalesce(patch.collection_detail, '') NOT LIKE '%CVEIds%')
      /* Whatever is left of the text when its ids are taken out names no further CVE. */
      AND coalesce(regexp_replace(upper(patch.cve_ids), 'CVE-[0-9]{4}-[0-9]{4,}', ''), '') NOT LIKE '%CVE%' AS is_known
FROM recent_patches AS patch
JOIN patch_runs AS run ON run.run_id = patch.run_id AND run.run_date = patch.run_date
