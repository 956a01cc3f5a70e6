-- Question 11: How compliant is each patch group?
-- Rows: one per patch group, the least compliant first.
-- Caveats:
--   - patch_group is NULL for nodes without a patch state, and empty for nodes in no patch group.
--   - nodes_unread are nodes of targets that the newest published run did not read, as last listed.
SELECT
  patch_group,
  baselines,
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
FROM compliance_by_patch_group
ORDER BY compliant_percent NULLS FIRST, patch_group
