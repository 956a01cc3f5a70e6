-- Question: How many nodes of each target were in each state, in each run?
-- Rows: one per published run in the window, and target that this run or an earlier one planned. The compliance of
--   accounts, the fleet and each day is the sum of these rows.
-- Columns:
--   nodes_compliant: Nodes that are COMPLIANT; this and the next two are NULL for a target that was not read.
--   nodes_non_compliant: Nodes that are NON_COMPLIANT.
--   nodes_unknown: Nodes that are UNKNOWN, for any reason.
--   rows_without_id: As in target_runs.
--   nodes_bound: The nodes that a lower bound counts, including rows without an id: those listed or, for a target that
--     was not read or not planned, those last listed; 0 for a target that is not active; NULL for an active one that no
--     run in the window has listed.
--   fleet_unknown_reason: Why it is not known how many instances SSM does not manage: INSTANCES_NOT_ASKED,
--     INSTANCES_UNPUBLISHED or INSTANCES_NOT_READ, by the status of instances; or NODES_NOT_READ, also if rows of the
--     listing have no id. NULL if it is known, and for a target that is not planned or not active.
--   instances_not_managed: Instances that are NOT_MANAGED; NULL if that is not known.
--   fleet_bound: The nodes and unmanaged instances that a lower bound counts: all that were last listed, each once. 0
--     for a target that is not active; NULL for an active one if the window has no listing of its nodes, or none of its
--     instances.
-- Caveats:
--   - nodes_bound and fleet_bound mix current and earlier counts: use them only as denominators of lower bounds.
WITH states AS (
  SELECT
    run_id,
    run_date,
    account_id,
    region,
    count_if(compliance_status = 'COMPLIANT') AS nodes_compliant,
    count_if(compliance_status = 'NON_COMPLIANT') AS nodes_non_compliant,
    count_if(compliance_status = 'UNKNOWN') AS nodes_unknown
  FROM node_states
  GROUP BY run_id, run_date, account_id, region
),
fleets AS (
  SELECT
    run_id,
    account_id,
    region,
    count_if(management = 'NOT_MANAGED') AS instances_not_managed,
    count_if(unknown_reason = 'STATE_NOT_KNOWN') AS instances_of_unknown_state,
    count_if(is_in_fleet_bound) AS instances_bound
  FROM known_instances
  GROUP BY run_id, account_id, region
),
counted AS (
  SELECT
    target.run_id,
    target.run_at,
    target.run_date,
    target.run_status,
    target.is_latest,
    target.run_age_hours,
    target.run_coverage,
    target.account_id,
    target.account_name,
    target.region,
    target.listing_status,
    target.is_planned,
    target.is_active,
    target.nodes_listed,
    CASE WHEN target.listing_status = 'LISTED' THEN coalesce(states.nodes_compliant, 0) END AS nodes_compliant,
    CASE WHEN target.listing_status = 'LISTED' THEN coalesce(states.nodes_non_compliant, 0) END AS nodes_non_compliant,
    CASE WHEN target.listing_status = 'LISTED' THEN coalesce(states.nodes_unknown, 0) END AS nodes_unknown,
    target.rows_without_id,
    CASE WHEN target.is_active THEN target.last_known_nodes + target.last_known_rows_without_id ELSE 0 END AS nodes_bound,
    CASE
      WHEN target.is_planned AND target.is_active
        THEN CASE
          WHEN target.instances_status = 'NOT_ASKED' THEN 'INSTANCES_NOT_ASKED'
          WHEN target.instances_status = 'UNPUBLISHED' THEN 'INSTANCES_UNPUBLISHED'
          WHEN target.instances_status <> 'COMPLETE' OR fleets.instances_of_unknown_state > 0 THEN 'INSTANCES_NOT_READ'
          WHEN target.listing_status <> 'LISTED' OR target.rows_without_id > 0 THEN 'NODES_NOT_READ'
        END
    END AS fleet_unknown_reason,
    fleets.instances_not_managed,
    CASE
      WHEN target.is_active
        THEN target.last_known_nodes + target.last_known_rows_without_id + target.last_known_instances_without_id
          + coalesce(fleets.instances_bound, 0)
      ELSE 0
    END AS fleet_bound
  /* From the right, since Athena prunes the partitions of the left side by what the right side holds. */
  FROM states
  RIGHT JOIN target_runs AS target
    ON states.run_id = target.run_id
    AND states.run_date = target.run_date
    AND states.account_id = target.account_id
    AND states.region = target.region
  LEFT JOIN fleets
    ON fleets.run_id = target.run_id
    AND fleets.account_id = target.account_id
    AND fleets.region = target.region
)
SELECT
  run_id,
  run_at,
  run_date,
  run_status,
  is_latest,
  run_age_hours,
  run_coverage,
  account_id,
  account_name,
  region,
  listing_status,
  is_planned,
  is_active,
  nodes_listed,
  nodes_compliant,
  nodes_non_compliant,
  nodes_unknown,
  rows_without_id,
  nodes_bound,
  fleet_unknown_reason,
  CASE
    WHEN is_planned AND is_active AND fleet_unknown_reason IS NULL THEN coalesce(instances_not_managed, 0)
  END AS instances_not_managed,
  fleet_bound
FROM counted
