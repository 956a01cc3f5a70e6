-- Question: How long does it take to remediate the lines of patches of each owner, environment or other tag?
-- Rows: one per month and severity for each tag value, for the nodes without the tag, for those whose tags are not
--   known and for those that are not EC2 instances; and for each of these one over all months and severities.
-- Columns:
--   tag_key: A key that at least one instance in the newest published run has.
--   tag_status: As in node_tags; also NOT_READ for nodes that the newest published run does not account for.
--   tag_value: The value, which may be empty; NULL unless READ.
--   month: As in line_cohorts.
--   severity: As in line_cohorts.
--   severity_rank: As in line_cohorts.
--   lines: The cohort: the streaks of lines that began in the month.
--   lines_remediated: Lines of the cohort that are REMEDIATED; the next four also count lines of the cohort.
--   lines_open: Those that are OPEN.
--   lines_rescoped: Those that are RESCOPED.
--   lines_gone: Those whose node is gone.
--   lines_older: Those whose age is a lower bound, since they were already open when they were first seen.
--   median_days: At least half of the cohort took, or has taken so far, this many days or more, with days as in
--     line_cohorts.
--   p90_days: The same for the slowest tenth.
-- Caveats:
--   - Only REMEDIATED counts as remediation: a patch that a new baseline no longer requires does not count, and neither
--     does a node that is gone.
--   - As long as lines of a cohort are open, its median can only rise.
--   - If no run read a node for some days, its lines count until the first scan after the gap, so the median may be too
--     high by that gap.
--   - The first month of the history also includes lines that were already open when it began.
--   - Tags come from the newest published run, even for lines that ended before it.
--   - A line is in one row per key. Add up the rows of one key only.
--   - patches_not_known lists the nodes and targets whose lines this view does not show.
WITH cohort AS (
  SELECT
    line.run_id, line.run_at, line.run_date, line.run_status, line.run_age_hours, line.run_coverage, line.patches_status,
    keys.tag_key,
    CASE WHEN line.instance_id LIKE 'i-%' THEN coalesce(tag.tag_status, 'NOT_READ') ELSE 'NOT_EC2' END AS tag_status,
    tag.tag_value,
    line.month, line.severity, line.severity_rank, line.outcome, line.is_lower_bound, line.days
  FROM line_cohorts AS line
  CROSS JOIN (SELECT DISTINCT key AS tag_key FROM latest_tags) AS keys
  LEFT JOIN node_tags AS tag
    ON tag.tag_key = keys.tag_key
    AND tag.account_id = line.account_id
    AND tag.region = line.region
    AND tag.instance_id = line.instance_id
),
ranked AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
    tag_key, tag_status, tag_value, month, severity, severity_rank,
    outcome, is_lower_bound, days,
    row_number() OVER (PARTITION BY tag_key, tag_status, tag_value, month, severity_rank ORDER BY days) AS place,
    count(*) OVER (PARTITION BY tag_key, tag_status, tag_value, month, severity_rank) AS lines
  FROM cohort
)
SELECT
  run_id,
  run_at,
  run_date,
  run_status,
  run_age_hours,
  run_coverage,
  patches_status,
  tag_key,
  tag_status,
  tag_value,
  month,
  severity,
  severity_rank,
  count(*) AS lines,
  count_if(outcome = 'REMEDIATED') AS lines_remediated,
  count_if(outcome = 'OPEN') AS lines_open,
  count_if(outcome = 'RESCOPED') AS lines_rescoped,
  count_if(outcome = 'NODE_GONE') AS lines_gone,
  count_if(is_lower_bound) AS lines_older,
  /* The nearest rank: the first line, in order, that completes the required share of the cohort. */
  min(CASE WHEN place * 2 >= lines THEN days END) AS median_days,
  min(CASE WHEN place * 10 >= lines * 9 THEN days END) AS p90_days
FROM ranked
GROUP BY
  run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
  tag_key, tag_status, tag_value, month, severity, severity_rank
