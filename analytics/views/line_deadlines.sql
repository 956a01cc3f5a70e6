-- Question: Within how many days must each line of patches be resolved on each node?
-- Rows: one per row of line_age.
-- Columns:
--   strictest_days: As in sla_deadlines.
--   longest_days: As in sla_deadlines.
-- Caveats:
--   - The deadlines come from today's policy and tags, even for lines that have ended.
--   - The caveats of patch_clocks apply.
SELECT
  line.run_id,
  line.run_at,
  line.run_date,
  line.run_status,
  line.run_age_hours,
  line.run_coverage,
  line.patches_status,
  line.account_id,
  line.account_name,
  line.region,
  line.listing_status,
  line.instance_id,
  line.computer_name,
  line.platform_type,
  line.platform_name,
  line.platform_version,
  line.patch_group,
  line.baseline_id,
  line.line,
  line.severity,
  line.severity_rank,
  line.outcome,
  line.is_confirmed,
  line.opened_at,
  line.last_open_at,
  line.days_open,
  line.is_lower_bound,
  line.most_days_open,
  coalesce(own.strictest_days, other.strictest_days) AS strictest_days,
  coalesce(own.longest_days, other.longest_days) AS longest_days
FROM line_age AS line
LEFT JOIN latest_coverage AS target ON target.account_id = line.account_id AND target.region = line.region
LEFT JOIN sla_deadlines AS own
  ON own.account_id = line.account_id
  AND own.region = line.region
  AND own.instance_id = line.instance_id
  AND own.severity_rank = line.severity_rank
JOIN sla_deadlines AS other
  ON other.instance_id IS NULL
  AND other.severity_rank = line.severity_rank
  AND other.tags = CASE
    WHEN line.instance_id NOT LIKE 'i-%' THEN 'NOT_EC2'
    WHEN target.tags_status = 'COMPLETE' THEN 'READ'
    ELSE 'NOT_READ'
  END
