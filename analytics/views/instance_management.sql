-- Question: Which EC2 instances does Systems Manager manage?
-- Rows: one per published run in the window and EC2 instance that it listed.
-- Columns:
--   is_state_known: As in known_instances.
--   management: The first value that applies. TERMINATED: shutting down or terminated. MANAGED: SSM lists it as a node.
--     UNKNOWN: the nodes of the target were not read, or rows of their listing have no id. STOPPED: stopping or
--     stopped. STARTING: pending, or launched between an hour before SSM listed the nodes and a day after that.
--     SERVICE_MANAGED: an AWS service operates it. NOT_MANAGED: it is running, but SSM does not list it. UNKNOWN: its
--     state is not known.
--   unknown_reason: Why management is UNKNOWN: NODES_NOT_READ, NODES_WITHOUT_ID or STATE_NOT_KNOWN; NULL otherwise.
-- Caveats:
--   - Instances of targets that the run did not read have no rows: targets_not_known lists these targets.
--   - An EC2 instance that is registered with SSM as a hybrid node (mi-) shows as NOT_MANAGED.
SELECT
  run_id, run_at, run_date, run_status, is_latest, run_age_hours, run_coverage,
  account_id, account_name, region,
  instance_id,
  ${InstanceColumns},
  is_state_known,
  ping_status,
  management,
  unknown_reason
FROM known_instances
WHERE is_read
