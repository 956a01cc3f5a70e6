-- Question: Which of the tags in the policy do the nodes have?
-- Rows: one per instance in the newest published run and tag whose key a good row of the policy names, as the run read
--   it.
-- Caveats:
--   - If tags_status of a target in latest_coverage is not COMPLETE, an instance without a row may have tags. A
--     deadline for an unread tag may apply, and an exception for one does not.
SELECT
  tag.run_id,
  tag.run_at,
  tag.run_date,
  tag.run_status,
  tag.run_age_hours,
  tag.run_coverage,
  tag.account_id,
  tag.region,
  tag.instance_id,
  tag.key,
  tag.value
FROM latest_tags AS tag
JOIN (
  SELECT tag_key FROM sla_rows WHERE problem IS NULL AND tag_key <> ''
  UNION
  SELECT tag_key FROM exception_rows WHERE problem IS NULL AND tag_key <> ''
) AS named ON named.tag_key = tag.key
