-- Question: Which exceptions does the policy contain, and which of its rows are bad?
-- Rows: one per line of each object under policy/exceptions/, except its header line, if it has one.
-- Columns:
--   path: The object, or the file.
--   account: As written, without a leading byte order mark: an account id. This column and the next five are empty if
--     the exception does not depend on them.
--   instance: As written: the id of a node.
--   tag_key: As written.
--   tag_value: As written.
--   kb_id: As written: the id of a patch, in upper or lower case.
--   cve_id: As written: the id of a CVE, in upper or lower case.
--   reason: As written.
--   approver: As written.
--   approved_on: As written: the first day on which the exception applies.
--   expires_on: As written: the last day on which it applies.
--   unexpected: Anything that the line has after its last column; NULL in a good row.
--   problem: What is wrong with the row, and what is expected; NULL in a good one.
-- Caveats:
--   - A bad row has no effect.
--   - Each line is read separately: a quote that is not closed at the end of its line makes the row bad.
WITH cells AS (
  SELECT
    "$path" AS path,
    regexp_replace(account, '^' || chr(65279), '') AS account,
    instance, tag_key, tag_value, kb_id, cve_id, reason, approver, approved_on, expires_on, unexpected
  FROM policy_exceptions
),
judged AS (
  SELECT
    path, account, instance, tag_key, tag_value, kb_id, cve_id, reason, approver, approved_on, expires_on, unexpected,
    coalesce(
      account = 'account' AND instance = 'instance' AND tag_key = 'tag_key' AND tag_value = 'tag_value'
        AND kb_id = 'kb_id' AND cve_id = 'cve_id' AND reason = 'reason' AND approver = 'approver'
        AND approved_on = 'approved_on' AND expires_on = 'expires_on' AND unexpected IS NULL,
      false
    ) AS is_header,
    coalesce(account, '') || coalesce(instance, '') || coalesce(tag_key, '') || coalesce(tag_value, '')
      || coalesce(kb_id, '') || coalesce(cve_id, '') || coalesce(reason, '') || coalesce(approver, '')
      || coalesce(approved_on, '') || coalesce(expires_on, '') AS text
  FROM cells
),
counted AS (
  SELECT
    path, account, instance, tag_key, tag_value, kb_id, cve_id, reason, approver, approved_on, expires_on, unexpected,
    is_header, text,
    sum(CASE WHEN is_header THEN 1 ELSE 0 END) OVER (PARTITION BY path) AS headers,
    CASE
      WHEN regexp_like(approved_on, '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$') THEN TRY_CAST(approved_on AS date)
    END AS approved,
    CASE
      WHEN regexp_like(expires_on, '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$') THEN TRY_CAST(expires_on AS date)
    END AS expires
  FROM judged
)
SELECT
  path,
  account,
  instance,
  tag_key,
  tag_value,
  kb_id,
  cve_id,
  reason,
  approver,
  approved_on,
  expires_on,
  unexpected,
  CASE
    WHEN headers = 0
      THEN 'the file has no header: expected one line account,instance,tag_key,tag_value,kb_id,cve_id,reason,approver,'
        || 'approved_on,expires_on'
    WHEN headers > 1
      THEN 'the file has several headers: expected one line account,instance,tag_key,tag_value,kb_id,cve_id,reason,'
        || 'approver,approved_on,expires_on'
    WHEN expires_on IS NULL
      THEN 'the line is empty, has too few columns, or a quote that is not closed or is out of place: expected 10 columns'
    WHEN unexpected IS NOT NULL
      THEN 'the line has too many columns: expected 10, and a value with a comma in double quotes'
    WHEN text LIKE '%' || chr(92) || '%' THEN 'a backslash: expected none'
    WHEN text LIKE '%' || chr(65533) || '%' THEN 'a character that is not UTF-8: expected a file in UTF-8'
    WHEN account = '' AND instance = '' AND tag_key = '' AND tag_value = '' AND kb_id = '' AND cve_id = ''
      THEN 'nothing is selected: expected at least one of account, instance, tag_key with tag_value, kb_id and cve_id'
    WHEN account <> '' AND NOT regexp_like(account, '^[0-9]{12}$')
      THEN 'account is ' || account || ': expected the twelve digits of an account, or nothing'
    WHEN instance <> '' AND NOT regexp_like(instance, '^(i-([0-9A-Za-z_]{8}|[0-9A-Za-z_]{17})|mi-[0-9A-Za-z_]{17})$')
      THEN 'instance is ' || instance || ': expected the id of a node, such as i-0123456789abcdef0, or nothing'
    WHEN (tag_key = '') <> (tag_value = '') THEN 'tag_key without tag_value, or the reverse: expected both, or neither'
    WHEN kb_id <> '' AND (
      regexp_like(kb_id, '^[ ' || chr(9) || chr(160) || ']|[ ' || chr(9) || chr(160) || ']$')
      OR regexp_like(kb_id, '^[0-9]+$|^[Kk][Bb]([ 0-9]|$)|[,%*]') AND NOT regexp_like(kb_id, '^[Kk][Bb][0-9]+$')
    )
      THEN 'kb_id is ' || kb_id || ': expected KB and a number, or the name of a package, or nothing'
    WHEN cve_id <> '' AND NOT regexp_like(cve_id, '^[Cc][Vv][Ee]-[0-9]{4}-[0-9]{4,}$')
      THEN 'cve_id is ' || cve_id || ': expected the id of a CVE, such as CVE-2026-1234, or nothing'
    WHEN trim(approver) = '' THEN 'approver is empty: expected who approved the exception'
    WHEN approved IS NULL THEN 'approved_on is ' || approved_on || ': expected a date, such as 2026-11-01'
    WHEN expires IS NULL THEN 'expires_on is ' || expires_on || ': expected a date, such as 2026-11-30'
    WHEN expires < approved
      THEN 'expires_on is ' || expires_on || ': expected a date that is not before approved_on, ' || approved_on
  END AS problem
FROM counted
WHERE NOT (is_header AND headers = 1)
