-- Question 25: How compliant are the nodes of each owner, environment or other tag?
-- Rows: one per tag key and value, the least compliant of each key first; before these, one per target whose tags or
--   nodes are not all known.
-- Columns:
--   answer: KNOWN, or UNKNOWN for a target whose tags or nodes were not read in full, and for the nodes of a key whose
--     tags are not known.
--   reason: Why the answer is UNKNOWN: as in targets_not_known, with the reason for the tags first, or NOT_READ; NULL
--     otherwise.
--   account_id: The account of the target; NULL for a tag.
--   account_name: As in coverage; NULL for a tag.
--   region: The region of the target; NULL for a tag.
-- Caveats:
--   - A node is in one row per key. Add up the rows of one key only.
SELECT
  CASE WHEN tag_status = 'NOT_READ' THEN 'UNKNOWN' ELSE 'KNOWN' END AS answer,
  CASE WHEN tag_status = 'NOT_READ' THEN 'NOT_READ' END AS reason,
  CAST(NULL AS varchar) AS account_id,
  CAST(NULL AS varchar) AS account_name,
  CAST(NULL AS varchar) AS region,
  tag_key,
  tag_status,
  tag_value,
  nodes_listed,
  nodes_compliant,
  nodes_non_compliant,
  nodes_unknown,
  nodes_unread,
  nodes_unplaced,
  compliant_percent,
  compliant_percent_lower_bound,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM compliance_by_tag
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  coalesce(tags_reason, nodes_reason) AS reason,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS tag_key,
  CAST(NULL AS varchar) AS tag_status,
  CAST(NULL AS varchar) AS tag_value,
  CAST(NULL AS bigint) AS nodes_listed,
  CAST(NULL AS bigint) AS nodes_compliant,
  CAST(NULL AS bigint) AS nodes_non_compliant,
  CAST(NULL AS bigint) AS nodes_unknown,
  CAST(NULL AS bigint) AS nodes_unread,
  CAST(NULL AS bigint) AS nodes_unplaced,
  CAST(NULL AS double) AS compliant_percent,
  CAST(NULL AS double) AS compliant_percent_lower_bound,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM targets_not_known
WHERE tags_reason IS NOT NULL OR nodes_reason IS NOT NULL
ORDER BY answer DESC, tag_key NULLS FIRST, compliant_percent NULLS FIRST, tag_status DESC, tag_value, account_id, region
