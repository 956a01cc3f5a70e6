-- Question: How do scorecards divide the fleet?
-- Rows: FLEET, ACCOUNT and PATCH_GROUP, and one TAG for each tag key that the newest published run saw.
-- Columns:
--   scope: FLEET for all nodes, ACCOUNT for those of an account, PATCH_GROUP for those of a patch group, TAG for those
--     with a value of a tag.
--   tag_key: The key of a TAG; NULL otherwise.
-- Caveats:
--   - A node is in one account and at most one patch group, and has at most one value for each key.
SELECT
  scope,
  CAST(NULL AS varchar) AS tag_key
FROM (
  VALUES ('FLEET'), ('ACCOUNT'), ('PATCH_GROUP')
) AS fixed (scope)
UNION ALL
SELECT DISTINCT
  'TAG' AS scope,
  key AS tag_key
FROM latest_tags
