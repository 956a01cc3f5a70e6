-- Question 27: Which nodes does Systems Manager list that EC2 does not?
-- Rows: one per node in the newest published run without an EC2 instance, and one per target where that is not known;
--   these come first.
-- Empty: every node is an instance that EC2 lists.
-- Columns:
--   answer: KNOWN, or UNKNOWN for a target whose instances or nodes were not read in full.
--   reason: Why the answer is UNKNOWN, as in targets_not_known, with the reason for the instances first; NULL
--     otherwise.
--   account_name: As in coverage.
--   instance_id: The node.
--   ping_status: Online or ConnectionLost, as SSM last saw the agent.
--   kind: NO_INSTANCE: it has an EC2 id, but EC2 lists no such instance, for example after its termination. NOT_EC2: a
--     hybrid node, or another node that is not an EC2 instance. NULL for an UNKNOWN row.
-- Caveats:
--   - A terminated node may stay in SSM's list for a while. EC2 lists a terminated instance for about an hour.
WITH judged AS (
  SELECT
    node.run_id, node.run_status, node.run_age_hours, node.run_coverage,
    node.account_id, target.account_name, node.region, node.instance_id, node.computer_name, node.platform_name,
    node.ping_status, node.last_ping_date_time, node.registration_date, node.compliance_status,
    CASE
      WHEN NOT node.is_ec2 THEN 'NOT_EC2'
      WHEN instance.instance_id IS NULL AND target.instances_status = 'COMPLETE' THEN 'NO_INSTANCE'
    END AS kind
  FROM latest_patch_states AS node
  JOIN latest_coverage AS target ON target.account_id = node.account_id AND target.region = node.region
  LEFT JOIN instance_management AS instance
    ON instance.is_latest
    AND instance.account_id = node.account_id
    AND instance.region = node.region
    AND instance.instance_id = node.instance_id
)
SELECT
  'KNOWN' AS answer,
  CAST(NULL AS varchar) AS reason,
  kind,
  account_id,
  account_name,
  region,
  instance_id,
  computer_name,
  platform_name,
  ping_status,
  last_ping_date_time,
  registration_date,
  compliance_status,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM judged
WHERE kind IS NOT NULL
UNION ALL
SELECT
  'UNKNOWN' AS answer,
  coalesce(instances_reason, nodes_reason) AS reason,
  CAST(NULL AS varchar) AS kind,
  account_id,
  account_name,
  region,
  CAST(NULL AS varchar) AS instance_id,
  CAST(NULL AS varchar) AS computer_name,
  CAST(NULL AS varchar) AS platform_name,
  CAST(NULL AS varchar) AS ping_status,
  CAST(NULL AS timestamp) AS last_ping_date_time,
  CAST(NULL AS timestamp) AS registration_date,
  CAST(NULL AS varchar) AS compliance_status,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM targets_not_known
WHERE instances_reason IS NOT NULL OR nodes_reason IS NOT NULL
ORDER BY answer DESC, kind DESC, account_id, region, instance_id
