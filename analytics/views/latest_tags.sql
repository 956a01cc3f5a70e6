-- Question: Which tags do the EC2 instances of the newest published run have?
-- Rows: one per instance and tag with an allowed key that the run read.
-- Columns:
--   value: The value of the tag; it may be empty. NULL where it could not be read.
-- Caveats:
--   - Where tags_status of a target in latest_coverage is not COMPLETE, an instance without a row may have tags.
SELECT
  tag.run_id,
  tag.run_at,
  tag.run_date,
  runs.run_status,
  runs.run_age_hours,
  runs.run_coverage,
  tag.account_id,
  tag.region,
  tag.instance_id,
  tag.key,
  tag.value
FROM recent_tags AS tag
JOIN runs
  ON runs.run_id = tag.run_id
  AND runs.run_date = tag.run_date
  AND runs.is_latest
  AND runs.tags_status IN ('COMPLETE', 'PARTIAL')
