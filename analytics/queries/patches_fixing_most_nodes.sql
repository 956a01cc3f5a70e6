-- Question 19: Which ten patches would fix the most nodes?
-- Rows: the ten patches that the most nodes in the newest published run need, most nodes first; before these, one row
--   per target and reason why patches are not known.
-- Columns:
--   answer: KNOWN for a patch, UNKNOWN for nodes of a target whose patches are not known.
--   reason: Why the answer is UNKNOWN, as in patches_not_known; NULL otherwise.
--   account_id: The account of the target; NULL for a patch.
--   account_name: As in coverage; NULL for a patch.
--   region: The region of the target; NULL for a patch.
--   severity: As in patches_overview; NULL for an UNKNOWN row.
--   nodes: The nodes that are known to need the patch. In an UNKNOWN row, the nodes whose patches are not known, or
--     NULL if their number is not known either.
--   nodes_with_no_other: Nodes that are known to need the patch and no other; NULL for an UNKNOWN row.
-- Caveats:
--   - Only KNOWN patches count. UNKNOWN nodes may need other patches.
WITH counted AS (
  SELECT
    account_id, region, instance_id, kb_id, title,
    count(*) OVER (PARTITION BY account_id, region, instance_id) AS open_patches_of_node
  FROM open_patches
),
alone AS (
  SELECT kb_id, title, count_if(open_patches_of_node = 1) AS nodes_with_no_other
  FROM counted
  GROUP BY kb_id, title
),
placed AS (
  SELECT
    patch.run_id, patch.run_status, patch.run_age_hours, patch.run_coverage,
    patch.kb_id, patch.title, patch.classification, patch.severity,
    patch.nodes_lower_bound AS nodes, alone.nodes_with_no_other,
    row_number() OVER (
      ORDER BY patch.nodes_lower_bound DESC, alone.nodes_with_no_other DESC, patch.kb_id, patch.title
    ) AS place
  FROM patches_overview AS patch
  JOIN alone ON alone.kb_id = patch.kb_id AND alone.title = patch.title
)
SELECT
  'KNOWN' AS answer,
  CAST(NULL AS varchar) AS reason,
  CAST(NULL AS varchar) AS account_id,
  CAST(NULL AS varchar) AS account_name,
  CAST(NULL AS varchar) AS region,
  kb_id,
  title,
  classification,
  severity,
  nodes,
  nodes_with_no_other,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM placed
WHERE place <= 10
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
  CAST(NULL AS bigint) AS nodes_with_no_other,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM patches_not_known
GROUP BY reason, account_id, account_name, region, run_id, run_status, run_age_hours, run_coverage
ORDER BY answer DESC, nodes DESC NULLS FIRST, nodes_with_no_other DESC, kb_id, title, reason, account_id, region
