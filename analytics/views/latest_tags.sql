-- Question: Which tags do the EC2 instances in the newest published run have?
-- Rows: one per instance and tag with an allowed key that the run read.
-- Columns:
--   value: The value of the tag, which may be empty. NULL if it could not be read.
-- Caveats:
--   - If tags_status of a target in latest_coverage is not COMPLETE, an instance without a row may have tags.
SELECT
  tag.run_id,
  tag.run_at,
  tag.run_date,
  run.run_status,
  run.run_age_hours,
  run.run_coverage,
  tag.account_id,
  tag.region,
  tag.instance_id,
  tag.key,
  tag.value
FROM recent_tags AS tag
JOIN covered_runs AS run ON run.run_id = tag.run_id AND run.run_date = tag.run_date AND run.is_latest
JOIN (
  SELECT run_id, run_date, count(*) AS tag_rows
  FROM recent_tags
  GROUP BY run_id, run_date
) AS stored ON stored.run_id = run.run_id AND stored.run_date = run.run_date AND stored.tag_rows = run.tags_rows
WHERE run.tags_read IN ('COMPLETE', 'PARTIAL')
