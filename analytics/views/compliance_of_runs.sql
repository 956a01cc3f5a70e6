-- Question: How compliant was the fleet in each run?
-- Rows: one per published run in the window.
-- Columns:
--   targets_read: Targets that were listed.
--   targets_total: Active targets of the plan, which should have been listed.
--   targets_not_planned: Active targets that earlier runs in the window planned and this one did not.
--   nodes_listed: Nodes of the targets that were read; NULL where none was.
--   nodes_compliant: Nodes that are COMPLIANT.
--   nodes_non_compliant: Nodes that are NON_COMPLIANT.
--   nodes_unknown: Nodes that are UNKNOWN, for any reason.
--   rows_without_id: Rows of the listings without an id: nodes that exist but are not in the snapshot. They count only
--     in the lower bound.
--   compliant_percent: nodes_compliant as a percentage of nodes_listed, UNKNOWN nodes included, rounded down to one
--     decimal place, so 100 means all nodes. NULL if no node is listed.
--   compliant_percent_lower_bound: The same, but the denominator also counts rows without an id and the last known
--     nodes of targets that were not read or are no longer planned. The bound holds if their number has not grown. NULL
--     if no run in the window has listed one of these targets: then no bound is known.
--   instances_not_managed: Running EC2 instances that SSM does not list; NULL unless the nodes and the instances of
--     every active target of the plan were read.
--   fleet_unknown_reason: Why instances_not_managed is NULL, as in target_compliance; one of the reasons if there are
--     several.
--   fleet_compliant_percent: nodes_compliant as a percentage of nodes_listed plus instances_not_managed, rounded down
--     to one decimal place. NULL if either is NULL.
--   fleet_compliant_percent_lower_bound: The same, but where nodes or instances were not read, the denominator counts
--     those that were last listed. The bound holds if these have not grown or moved. NULL if the window has no listing
--     of the nodes, or of the instances, of an active target.
-- Caveats:
--   - Two runs may have read different targets: compare targets_read before the percentages.
SELECT
  run_id,
  run_at,
  run_date,
  run_status,
  is_latest,
  run_age_hours,
  run_coverage,
  count_if(listing_status = 'LISTED') AS targets_read,
  count_if(is_planned AND is_active) AS targets_total,
  count_if(is_active AND NOT is_planned) AS targets_not_planned,
  sum(nodes_listed) AS nodes_listed,
  sum(nodes_compliant) AS nodes_compliant,
  sum(nodes_non_compliant) AS nodes_non_compliant,
  sum(nodes_unknown) AS nodes_unknown,
  sum(rows_without_id) AS rows_without_id,
  floor(CAST(sum(nodes_compliant) AS double) * 1000 / nullif(sum(nodes_listed), 0)) / 10 AS compliant_percent,
  /* NULL as soon as one unread target's nodes are not known: then there is no bound. */
  CASE
    WHEN count(nodes_bound) = count(*)
      THEN floor(CAST(coalesce(sum(nodes_compliant), 0) AS double) * 1000 / nullif(sum(nodes_bound), 0)) / 10
  END AS compliant_percent_lower_bound,
  /* Known only where it is known for every active target of the plan. */
  CASE WHEN count(fleet_unknown_reason) = 0 THEN sum(instances_not_managed) END AS instances_not_managed,
  min(fleet_unknown_reason) AS fleet_unknown_reason,
  CASE
    WHEN count(fleet_unknown_reason) = 0
      THEN floor(
        CAST(sum(nodes_compliant) AS double) * 1000 / nullif(sum(nodes_listed) + sum(instances_not_managed), 0)
      ) / 10
  END AS fleet_compliant_percent,
  CASE
    WHEN count(fleet_bound) = count(*)
      THEN floor(CAST(coalesce(sum(nodes_compliant), 0) AS double) * 1000 / nullif(sum(fleet_bound), 0)) / 10
  END AS fleet_compliant_percent_lower_bound
FROM target_compliance
GROUP BY run_id, run_at, run_date, run_status, is_latest, run_age_hours, run_coverage
