-- Question: Which patches replace each other?
-- Rows: one per patch that a run of the last HistoryDays days saw on a node.
-- Columns:
--   line: The series of patches that the patch belongs to. If its id is a KB number, the line is the title without the
--     parts that change every month: dates, parentheses, KB numbers, versions and the numbers of cumulative updates. If
--     nothing is left, or for any other patch, the line is the id.
-- Caveats:
--   - A cumulative update and that of the next month have the same line. So do the versions of a package.
--   - If a vendor changes the wording of a title, a new line starts.
WITH named AS (
  SELECT DISTINCT trim(kb_id) AS kb_id, title
  FROM (
    SELECT DISTINCT kb_id, title
    FROM history_patches
    WHERE kb_id IS NOT NULL AND title IS NOT NULL
  ) AS seen
),
stripped AS (
  SELECT
    kb_id,
    title,
    regexp_replace(
      regexp_replace(
        regexp_replace(
          /* Twice, for parentheses in parentheses. */
          regexp_replace(regexp_replace(title, '[(][^()]*[)]', ' '), '[(][^()]*[)]', ' '),
          '[0-9]{4}-(0[1-9]|1[0-2])(-[0-3][0-9])?'
          || '|(January|February|March|April|May|June|July|August|September|October|November|December),? [0-9]{4}'
          || '|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}'
          || '|[Kk][Bb] ?[0-9]+|[Vv]?[0-9]+([.][0-9]+)+|CU[0-9]+',
          ' '
        ),
        ' +',
        ' '
      ),
      '^[ ,:;-]+|[ ,:;-]+$',
      ''
    ) AS words
  FROM named
)
SELECT
  kb_id,
  title,
  CASE
    WHEN regexp_like(kb_id, '^[Kk][Bb][0-9]+$') AND regexp_like(words, '[^ ,.:;/&+()-]') THEN words
    ELSE kb_id
  END AS line
FROM stripped
