-- Question: Which rows of the policy are bad, and why?
-- Rows: one per bad row.
-- Columns:
--   policy: sla or exceptions: the prefix that contains the object.
--   path: The object, or the file.
--   text: The columns of the row, joined by commas, with NULL for each column that the line lacks.
--   problem: What is wrong with the row, and what is expected.
-- Caveats:
--   - A bad exception has no effect. With one bad deadline, no deadline is longer than that in built_in_deadlines.
--   - The line number is not known here: patchlake check --policy shows it.
SELECT
  'sla' AS policy,
  path,
  coalesce(severity, 'NULL') || ',' || coalesce(tag_key, 'NULL') || ',' || coalesce(tag_value, 'NULL') || ','
    || coalesce(days, 'NULL') AS text,
  problem
FROM sla_rows
WHERE problem IS NOT NULL
UNION ALL
SELECT
  'exceptions' AS policy,
  path,
  coalesce(account, 'NULL') || ',' || coalesce(instance, 'NULL') || ',' || coalesce(tag_key, 'NULL') || ','
    || coalesce(tag_value, 'NULL') || ',' || coalesce(kb_id, 'NULL') || ',' || coalesce(cve_id, 'NULL') || ','
    || coalesce(reason, 'NULL') || ',' || coalesce(approver, 'NULL') || ',' || coalesce(approved_on, 'NULL') || ','
    || coalesce(expires_on, 'NULL') AS text,
  problem
FROM exception_rows
WHERE problem IS NOT NULL
