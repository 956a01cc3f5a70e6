-- Question: How many nodes of each target were in which state, in each run?
-- Rows: one per published run of the window, and target that this run or an earlier one planned. The compliance of
--   accounts, of the fleet and of each day is the sum of these rows.
-- Columns:
--   nodes_compliant: Nodes that are COMPLIANT; this and the next two are NULL for a target that was not read.
--   nodes_non_compliant: Nodes that are NON_COMPLIANT.
--   nodes_unknown: Nodes that are UNKNOWN, for any reason.
--   rows_without_id: As in target_runs.
--   nodes_bound: The nodes that a lower bound counts, rows without an id included: those listed, or for a target that was
--     not read or not planned those last listed; 0 for a target that is not active; NULL for an active one that no run of
--     the window has listed.
-- Caveats:
--   - nodes_bound mixes current with earlier counts: use it only as the denominator of a lower bound.
WITH states AS (
  SELECT
    run_id,
    run_date,
    account_id,
    region,
    count_if(compliance_status = 'COMPLIANT') AS nodes_compliant,
    count_if(compliance_status = 'NON_COMPLIANT') AS nodes_non_compliant,
    count_if(compliance_status = 'UNKNOWN') AS nodes_unknown
  FROM node_compliance
  GROUP BY run_id, run_date, account_id, region
)
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
  CASE WHEN target.is_active THEN target.last_known_nodes + target.last_known_rows_without_id ELSE 0 END AS nodes_bound
/* From the right, since Athena prunes the partitions of the left side by what the right side holds. */
FROM states
RIGHT JOIN target_runs AS target
  ON states.run_id = target.run_id
  AND states.run_date = target.run_date
  AND states.account_id = target.account_id
  AND states.region = target.region
