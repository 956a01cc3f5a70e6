-- Question 22: Which patches do nodes need that they did not need in the previous run?
-- Rows: one per patch that a node in the newest published run needs and did not need before, most nodes first; before
--   these, one per target and reason why this is not known.
-- Columns:
--   answer: KNOWN for a patch, UNKNOWN for nodes of a target that cannot be compared.
--   reason: Why the answer is UNKNOWN, as in patches_not_known, or NO_EARLIER_RUN: no earlier run in the window read
--     the patches of the target; or NOT_KNOWN_BEFORE: the run that the target is compared with did not read the patches
--     of these nodes. NULL otherwise.
--   account_id: The account of the target; NULL for a patch.
--   account_name: As in coverage; NULL for a patch.
--   region: The region of the target; NULL for a patch.
--   severity: As in patches_overview; NULL for an UNKNOWN row.
--   nodes: Nodes that need the patch and did not need it before, including new nodes. In an UNKNOWN row, the nodes that
--     cannot be compared, or NULL if their number is not known either.
--   nodes_before: Nodes that need the patch and needed it before; NULL for an UNKNOWN row.
-- Caveats:
--   - Each target is compared with the last earlier run that read its patches.
--   - The id and the title together identify a patch, so the next version of a package is a new patch.
WITH targets AS (
  SELECT
    run_id, run_status, run_age_hours, run_coverage, is_latest, account_id, account_name, region, nodes_listed,
    listing_status = 'LISTED' AND patches_status IN ('COMPLETE', 'PARTIAL') AS is_read,
    max(CASE WHEN listing_status = 'LISTED' AND patches_status IN ('COMPLETE', 'PARTIAL') THEN run_id END) OVER (
      PARTITION BY account_id, region ORDER BY run_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS previous_run_id
  FROM target_runs
),
compared AS (
  SELECT
    run_id, run_status, run_age_hours, run_coverage, account_id, account_name, region, nodes_listed, previous_run_id
  FROM targets
  WHERE is_latest AND is_read
),
earlier_rows AS (
  SELECT patch.account_id, patch.region, patch.instance_id, patch.kb_id, patch.title, patch.is_open, patch.is_known
  FROM node_patches AS patch
  JOIN compared
    ON compared.previous_run_id = patch.run_id
    AND compared.account_id = patch.account_id
    AND compared.region = patch.region
),
not_known_before AS (
  SELECT account_id, region, instance_id
  FROM earlier_rows
  WHERE NOT is_known
  UNION
  SELECT node.account_id, node.region, node.instance_id
  FROM node_compliance AS node
  JOIN compared
    ON compared.previous_run_id = node.run_id
    AND compared.account_id = node.account_id
    AND compared.region = node.region
  WHERE node.collection_status <> 'COLLECTED'
),
judged AS (
  SELECT
    compared.run_id, compared.run_status, compared.run_age_hours, compared.run_coverage,
    compared.account_id, compared.account_name, compared.region,
    patch.instance_id, patch.kb_id, patch.title,
    not_known_before.instance_id IS NULL AS is_comparable,
    earlier_rows.instance_id IS NOT NULL AS is_old
  FROM compared
  JOIN open_patches AS patch ON patch.account_id = compared.account_id AND patch.region = compared.region
  LEFT JOIN earlier_rows
    ON earlier_rows.is_open
    AND earlier_rows.account_id = patch.account_id
    AND earlier_rows.region = patch.region
    AND earlier_rows.instance_id = patch.instance_id
    AND earlier_rows.kb_id = patch.kb_id
    AND earlier_rows.title = patch.title
  LEFT JOIN not_known_before
    ON not_known_before.account_id = patch.account_id
    AND not_known_before.region = patch.region
    AND not_known_before.instance_id = patch.instance_id
  WHERE compared.previous_run_id IS NOT NULL AND patch.kb_id IS NOT NULL AND patch.title IS NOT NULL
),
patches_of_all AS (
  SELECT
    kb_id, title,
    count_if(is_comparable AND NOT is_old) AS nodes,
    count_if(is_old) AS nodes_before
  FROM judged
  GROUP BY kb_id, title
)
SELECT
  'KNOWN' AS answer,
  CAST(NULL AS varchar) AS reason,
  CAST(NULL AS varchar) AS account_id,
  CAST(NULL AS varchar) AS account_name,
  CAST(NULL AS varchar) AS region,
  patch.kb_id,
  patch.title,
  patch.classification,
  patch.severity,
  patches_of_all.nodes,
  patches_of_all.nodes_before,
  patch.run_id,
  patch.run_status,
  patch.run_age_hours,
  patch.run_coverage
FROM patches_of_all
JOIN patches_overview AS patch ON patch.kb_id = patches_of_all.kb_id AND patch.title = patches_of_all.title
WHERE patches_of_all.nodes > 0
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  'NO_EARLIER_RUN' AS reason,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS kb_id,
  CAST(NULL AS varchar) AS title,
  CAST(NULL AS varchar) AS classification,
  CAST(NULL AS varchar) AS severity,
  nodes_listed AS nodes,
  CAST(NULL AS bigint) AS nodes_before,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM compared
WHERE previous_run_id IS NULL
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  'NOT_KNOWN_BEFORE' AS reason,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS kb_id,
  CAST(NULL AS varchar) AS title,
  CAST(NULL AS varchar) AS classification,
  CAST(NULL AS varchar) AS severity,
  count(DISTINCT instance_id) AS nodes,
  CAST(NULL AS bigint) AS nodes_before,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM judged
WHERE NOT is_comparable AND NOT is_old
GROUP BY account_id, account_name, region, run_id, run_status, run_age_hours, run_coverage
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  reason,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS kb_id,
  CAST(NULL AS varchar) AS title,
  CAST(NULL AS varchar) AS classification,
  CAST(NULL AS varchar) AS severity,
  sum(nodes) AS nodes,
  CAST(NULL AS bigint) AS nodes_before,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM patches_not_known
GROUP BY reason, account_id, account_name, region, run_id, run_status, run_age_hours, run_coverage
ORDER BY answer DESC, nodes DESC NULLS FIRST, kb_id, title, reason, account_id, region
