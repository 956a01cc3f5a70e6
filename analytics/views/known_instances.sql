-- Question: Which EC2 instances must each run account for, and which of them does Systems Manager manage?
-- Rows: one per published run in the window, active target and EC2 instance: the instances that the run listed and, for
--   a target that it no longer planned or whose instances it could not list, those that were last listed.
-- Columns:
--   instance_id: The EC2 instance: i- and 8 or 17 characters.
--   is_read: Whether the run itself listed the instances of the target.
--   is_state_known: Whether patchlake knows the value of state. If not, the instance may be running or stopped.
--   ping_status: As SSM reports it for a node that the run listed; ConnectionLost means that it is managed but
--     unreachable.
--   management: The first value that applies. UNKNOWN: is_read is false. TERMINATED: shutting down or terminated.
--     MANAGED: SSM lists it as a node. UNKNOWN: the nodes of the target were not read, or rows of their listing have no
--     id. STOPPED: stopping or stopped. STARTING: pending, or launched between an hour before SSM listed the nodes and
--     a day after that. SERVICE_MANAGED: an AWS service operates it. NOT_MANAGED: it is running, but SSM does not list
--     it. UNKNOWN: its state is not known.
--   unknown_reason: Why management is UNKNOWN: TARGET_NOT_PLANNED, INSTANCES_NOT_READ, NODES_NOT_READ, NODES_WITHOUT_ID
--     or STATE_NOT_KNOWN; NULL otherwise.
--   is_in_fleet_bound: Whether a lower bound for the fleet counts it in addition to the nodes: it may be running, is
--     not a known node, and is not known to be STARTING or SERVICE_MANAGED.
-- Caveats:
--   - If is_read is false, the columns of the instance come from an earlier run: use them only in lower bounds.
--   - An EC2 instance that is registered with SSM as a hybrid node (mi-) shows as NOT_MANAGED.
WITH targets AS (
  SELECT
    run_id, run_at, run_date, run_status, is_latest, run_age_hours, run_coverage,
    account_id, account_name, region,
    is_planned, listing_status, rows_without_id, listed_at, last_read_run_id,
    CAST(CAST(last_read_at AS date) AS varchar) AS last_read_date, last_instances_run_id,
    regexp_replace(last_instances_run_id, '^([0-9]{4})([0-9]{2})([0-9]{2}).*$', '$1-$2-$3') AS last_instances_date
  FROM target_runs
  WHERE is_active AND last_instances_run_id IS NOT NULL
),
listed AS (
  SELECT
    target.run_id, target.run_at, target.run_date, target.run_status, target.is_latest, target.run_age_hours,
    target.run_coverage, target.account_id, target.account_name, target.region,
    target.is_planned, target.listing_status, target.rows_without_id, target.listed_at, target.last_read_run_id,
    target.last_read_date,
    target.last_instances_run_id = target.run_id AS is_read,
    instance.instance_id,
    instance.${InstanceColumns}
  FROM targets AS target
  JOIN recent_instances AS instance
    ON instance.run_id = target.last_instances_run_id
    AND instance.run_date = target.last_instances_date
    AND instance.account_id = target.account_id
    AND instance.region = target.region
),
placed AS (
  SELECT
    listed.run_id, listed.run_at, listed.run_date, listed.run_status, listed.is_latest, listed.run_age_hours,
    listed.run_coverage, listed.account_id, listed.account_name, listed.region,
    listed.is_planned, listed.is_read,
    listed.instance_id,
    listed.${InstanceColumns},
    coalesce(listed.state, '')
      IN ('pending', 'running', 'shutting-down', 'terminated', 'stopping', 'stopped') AS is_state_known,
    node.ping_status,
    /* In the last listing of the nodes, of this run or an earlier one. */
    node.instance_id IS NOT NULL AS is_known_node,
    listed.listing_status = 'LISTED' AS are_nodes_listed,
    coalesce(listed.rows_without_id, 0) > 0 AS are_nodes_without_id,
    listed.state = 'pending'
      OR listed.launch_time > listed.listed_at - INTERVAL '1' HOUR
        /* EC2 is asked within a day of SSM: a later launch is no time at all. */
        AND listed.launch_time <= listed.listed_at + INTERVAL '1' DAY AS is_starting
  /* From the right: a lake without instances reads no node, and Athena no day without instances. */
  FROM recent_patch_states AS node
  RIGHT JOIN listed
    ON node.run_id = listed.last_read_run_id
    AND node.run_date = listed.last_read_date
    AND node.account_id = listed.account_id
    AND node.region = listed.region
    AND node.instance_id = listed.instance_id
),
judged AS (
  SELECT
    run_id, run_at, run_date, run_status, is_latest, run_age_hours, run_coverage,
    account_id, account_name, region,
    is_read,
    instance_id,
    ${InstanceColumns},
    is_state_known, ping_status, is_known_node, are_nodes_listed,
    CASE
      WHEN NOT is_planned THEN 'TARGET_NOT_PLANNED'
      WHEN NOT is_read THEN 'INSTANCES_NOT_READ'
      WHEN state IN ('shutting-down', 'terminated') THEN 'TERMINATED'
      WHEN are_nodes_listed AND is_known_node THEN 'MANAGED'
      WHEN NOT are_nodes_listed THEN 'NODES_NOT_READ'
      WHEN are_nodes_without_id THEN 'NODES_WITHOUT_ID'
      WHEN state IN ('stopping', 'stopped') THEN 'STOPPED'
      WHEN is_starting THEN 'STARTING'
      WHEN operator_managed THEN 'SERVICE_MANAGED'
      WHEN NOT is_state_known THEN 'STATE_NOT_KNOWN'
      ELSE 'NOT_MANAGED'
    END AS verdict
  FROM placed
)
SELECT
  run_id, run_at, run_date, run_status, is_latest, run_age_hours, run_coverage,
  account_id, account_name, region,
  instance_id,
  ${InstanceColumns},
  is_state_known,
  is_read,
  CASE WHEN are_nodes_listed THEN ping_status END AS ping_status,
  CASE
    WHEN verdict IN ('TERMINATED', 'MANAGED', 'STOPPED', 'STARTING', 'SERVICE_MANAGED', 'NOT_MANAGED') THEN verdict
    ELSE 'UNKNOWN'
  END AS management,
  CASE
    WHEN verdict NOT IN ('TERMINATED', 'MANAGED', 'STOPPED', 'STARTING', 'SERVICE_MANAGED', 'NOT_MANAGED') THEN verdict
  END AS unknown_reason,
  NOT is_known_node
    AND verdict <> 'STARTING'
    AND NOT coalesce(operator_managed, false)
    AND coalesce(state, '') NOT IN ('shutting-down', 'terminated', 'stopping', 'stopped') AS is_in_fleet_bound
FROM judged
