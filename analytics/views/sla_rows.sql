-- Question: Which deadlines does the policy set, and which of its rows are bad?
-- Rows: one per line of each object under policy/sla/, except its header line, if it has one.
-- Columns:
--   path: The object, or the file.
--   severity: As written, without a leading byte order mark: Critical, Important, Medium, Moderate or Low; empty for
--     any severity.
--   tag_key: As written; empty for any node.
--   tag_value: As written; empty for any value of the tag.
--   days: As written: the number of days that a patch may stay open after the day on which it opened.
--   unexpected: Anything that the line has after its last column; NULL in a good row.
--   severity_rank: As in severity_ranks; NULL for any severity, and if the text is not one of these words.
--   deadline_days: The number of days; NULL in a bad row.
--   problem: What is wrong with the row, and what is expected; NULL in a good one.
-- Caveats:
--   - Each line is read separately: a quote that is not closed at the end of its line makes the row bad.
--   - With one bad row, in any object, no deadline is longer than that in built_in_deadlines.
WITH cells AS (
  SELECT
    "$path" AS path,
    regexp_replace(severity, '^' || chr(65279), '') AS severity,
    tag_key, tag_value, days, unexpected
  FROM policy_sla
),
judged AS (
  SELECT
    path, severity, tag_key, tag_value, days, unexpected,
    coalesce(
      severity = 'severity' AND tag_key = 'tag_key' AND tag_value = 'tag_value' AND days = 'days' AND unexpected IS NULL,
      false
    ) AS is_header,
    coalesce(severity, '') || coalesce(tag_key, '') || coalesce(tag_value, '') || coalesce(days, '') AS text
  FROM cells
),
counted AS (
  SELECT
    path, severity, tag_key, tag_value, days, unexpected, is_header, text,
    sum(CASE WHEN is_header THEN 1 ELSE 0 END) OVER (PARTITION BY path) AS headers
  FROM judged
),
checked AS (
  SELECT
    counted.path, counted.severity, counted.tag_key, counted.tag_value, counted.days, counted.unexpected,
    ranks.severity_rank,
    CASE
      WHEN counted.headers = 0 THEN 'the file has no header: expected one line severity,tag_key,tag_value,days'
      WHEN counted.headers > 1 THEN 'the file has several headers: expected one line severity,tag_key,tag_value,days'
      WHEN counted.days IS NULL
        THEN 'the line is empty, has too few columns, or a quote that is not closed or is out of place: expected 4 columns'
      WHEN counted.unexpected IS NOT NULL
        THEN 'the line has too many columns: expected 4, and a value with a comma in double quotes'
      WHEN counted.text LIKE '%' || chr(92) || '%' THEN 'a backslash: expected none'
      WHEN counted.text LIKE '%' || chr(65533) || '%' THEN 'a character that is not UTF-8: expected a file in UTF-8'
      WHEN counted.severity <> '' AND ranks.severity_rank IS NULL
        THEN 'severity is ' || counted.severity || ': expected Critical, Important, Medium, Moderate or Low, or nothing'
      WHEN counted.tag_key = '' AND counted.tag_value <> ''
        THEN 'tag_value is ' || counted.tag_value || ', without a tag_key: expected both, or neither'
      WHEN NOT regexp_like(counted.days, '^[0-9]{1,4}$')
        THEN 'days is ' || counted.days || ': expected a whole number from 0 to 9999'
    END AS problem
  FROM counted
  LEFT JOIN severity_ranks AS ranks ON ranks.severity = counted.severity
  WHERE NOT (counted.is_header AND counted.headers = 1)
)
SELECT
  path,
  severity,
  tag_key,
  tag_value,
  days,
  unexpected,
  severity_rank,
  CASE WHEN problem IS NULL THEN TRY_CAST(days AS integer) END AS deadline_days,
  problem
FROM checked
