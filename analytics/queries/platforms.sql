-- Question 2: How compliant is each platform?
-- Rows: one per operating system and version, the least compliant first.
-- Caveats:
--   - nodes_unread are nodes of targets that the newest published run did not read, as last listed.
SELECT
  platform_type,
  platform_name,
  platform_version,
  nodes_listed,
  nodes_compliant,
  nodes_non_compliant,
  nodes_unknown,
  nodes_unread,
  nodes_unplaced,
  compliant_percent,
  compliant_percent_lower_bound,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM compliance_by_platform
ORDER BY compliant_percent NULLS FIRST, platform_type, platform_name, platform_version
