-- Question 6: What is the history of one node?
-- Rows: one per published run in the window and target in which the node was ever listed, newest first.
-- Empty: no published run in the window listed the node.
-- Parameters:
--   instance_id (text, such as i-0123456789abcdef0): The node.
-- Columns:
--   presence: LISTED: the node was there. ABSENT: its target was listed without it. TARGET_NOT_READ: not known.
--     TARGET_NOT_PLANNED: not known, since the run did not plan the target.
--   compliance_status: As in node_compliance; NULL unless LISTED.
-- Caveats:
--   - If a listing has rows without an id (run_coverage), a node that it does not name may be one of them.
WITH asked AS (
  SELECT CAST(? AS varchar) AS instance_id
),
states AS (
  SELECT
    node.run_id, node.account_id, node.region, node.instance_id, node.compliance_status, node.unknown_reason,
    node.patch_group, node.baseline_id, node.operation, node.operation_end_time, node.missing_count, node.failed_count,
    node.installed_pending_reboot_count, node.installed_rejected_count, node.critical_non_compliant_count,
    node.security_non_compliant_count, node.other_non_compliant_count
  FROM node_compliance AS node
  JOIN asked ON asked.instance_id = node.instance_id
),
homes AS (
  SELECT DISTINCT account_id, region
  FROM states
)
SELECT
  target.run_id,
  target.run_at,
  target.run_status,
  target.run_age_hours,
  target.run_coverage,
  target.account_id,
  target.region,
  CASE
    WHEN states.instance_id IS NOT NULL THEN 'LISTED'
    WHEN target.listing_status = 'LISTED' THEN 'ABSENT'
    WHEN target.listing_status = 'TARGET_NOT_PLANNED' THEN 'TARGET_NOT_PLANNED'
    ELSE 'TARGET_NOT_READ'
  END AS presence,
  states.compliance_status,
  states.unknown_reason,
  states.patch_group,
  states.baseline_id,
  states.operation,
  states.operation_end_time,
  states.missing_count,
  states.failed_count,
  states.installed_pending_reboot_count,
  states.installed_rejected_count,
  states.critical_non_compliant_count,
  states.security_non_compliant_count,
  states.other_non_compliant_count
FROM target_runs AS target
JOIN homes ON homes.account_id = target.account_id AND homes.region = target.region
LEFT JOIN states
  ON states.run_id = target.run_id AND states.account_id = target.account_id AND states.region = target.region
ORDER BY target.run_id DESC, target.account_id, target.region
