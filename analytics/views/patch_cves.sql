-- Question: Which CVEs does each patch resolve?
-- Rows: one per patch and CVE that a run saw in the last HistoryDays days, 120 by default.
-- Columns:
--   cve: The id of the CVE, in capital letters.
-- Caveats:
--   - SSM names the CVEs of a patch only for nodes that lack it or failed to install it, so join by kb_id and title.
--     The row of a node that awaits a reboot for it has no cve_ids.
--   - A patch without a row resolves no CVE that SSM names, or was never Missing or Failed in that time.
SELECT DISTINCT
  trim(patch.kb_id) AS kb_id,
  patch.title,
  c.cve
FROM (
  SELECT DISTINCT kb_id, title, cve_ids
  FROM history_patches
  WHERE kb_id IS NOT NULL
    AND title IS NOT NULL
) AS patch
CROSS JOIN UNNEST(regexp_extract_all(upper(patch.cve_ids), 'CVE-[0-9]{4}-[0-9]{4,}')) AS c (cve)
