-- Question 14: What changed since a date?
-- Rows: one per node that is new, vanished or in another state, and one per active target that could not be compared.
-- Parameters:
--   date (date, such as 2026-11-01): The UTC date to compare with. The comparison uses the last run on or before that
--     date that listed the target.
-- Columns:
--   instance_id: The node; NULL where a whole target could not be compared.
--   change: As in changes_since_previous_run; NOT_COMPARED also if the window has no listing up to that date, or no run
--     after it.
--   reason: Why the target could not be compared; NULL otherwise. TARGET_NOT_PLANNED, TARGET_NOT_READ: the newest
--     published run did not plan it, or did not read it. NO_EARLIER_LISTING: the window has no listing of it up to the
--     date. NO_LATER_RUN: the newest published run is not later than the listing to compare with.
--   previous_run_id: The run that the target is compared with; NULL if there is none.
--   previous_compliance_status: The node's state in that run; NULL where it was not listed.
--   compliance_status: The node's state in the newest published run; NULL where it is not listed.
-- Caveats:
--   - If a listing has rows without an id (run_coverage), a node that it does not name may be one of them.
--   - The query compares two states: it does not show changes in between that were reverted. Each target has its own
--     two runs.
WITH asked AS (
  SELECT CAST(CAST(? AS date) AS varchar) AS run_date
),
listed AS (
  SELECT
    target.run_id, target.run_date, target.run_status, target.run_age_hours, target.run_coverage,
    target.account_id, target.region, target.is_latest, target.is_active, target.is_planned, target.listing_status,
    max(CASE WHEN target.listing_status = 'LISTED' AND target.run_date <= asked.run_date THEN target.run_id END)
      OVER (PARTITION BY target.account_id, target.region) AS previous_run_id,
    max(CASE WHEN target.listing_status = 'LISTED' AND target.run_date <= asked.run_date THEN target.run_date END)
      OVER (PARTITION BY target.account_id, target.region) AS previous_date
  FROM target_listings AS target
  CROSS JOIN asked
),
compared AS (
  SELECT
    run_id, run_date, run_status, run_age_hours, run_coverage, account_id, region, previous_run_id, previous_date,
    CASE
      WHEN NOT is_planned THEN 'TARGET_NOT_PLANNED'
      WHEN listing_status <> 'LISTED' THEN 'TARGET_NOT_READ'
      WHEN previous_run_id IS NULL THEN 'NO_EARLIER_LISTING'
      WHEN previous_run_id >= run_id THEN 'NO_LATER_RUN'
    END AS reason
  FROM listed
  WHERE is_latest AND is_active
),
listings AS (
  SELECT
    compared.account_id, compared.region, side.is_later,
    CASE WHEN side.is_later THEN compared.run_id ELSE compared.previous_run_id END AS run_id,
    CASE WHEN side.is_later THEN compared.run_date ELSE compared.previous_date END AS run_date
  FROM compared
  CROSS JOIN (VALUES (true), (false)) AS side (is_later)
  WHERE compared.reason IS NULL
),
nodes AS (
  SELECT
    node.account_id, node.region, node.instance_id,
    max(CASE WHEN listing.is_later THEN node.computer_name END) AS computer_name,
    max(CASE WHEN listing.is_later THEN node.platform_name END) AS platform_name,
    max(CASE WHEN listing.is_later THEN node.patch_group END) AS patch_group,
    max(CASE WHEN listing.is_later THEN node.compliance_status END) AS compliance_status,
    max(CASE WHEN NOT listing.is_later THEN node.computer_name END) AS previous_computer_name,
    max(CASE WHEN NOT listing.is_later THEN node.platform_name END) AS previous_platform_name,
    max(CASE WHEN NOT listing.is_later THEN node.patch_group END) AS previous_patch_group,
    max(CASE WHEN NOT listing.is_later THEN node.compliance_status END) AS previous_compliance_status
  FROM node_states AS node
  JOIN listings AS listing
    ON listing.run_id = node.run_id
    AND listing.run_date = node.run_date
    AND listing.account_id = node.account_id
    AND listing.region = node.region
  GROUP BY node.account_id, node.region, node.instance_id
),
changed AS (
  SELECT
    account_id, region, instance_id,
    coalesce(computer_name, previous_computer_name) AS computer_name,
    coalesce(platform_name, previous_platform_name) AS platform_name,
    coalesce(patch_group, previous_patch_group) AS patch_group,
    CASE
      WHEN previous_compliance_status IS NULL THEN 'NEW'
      WHEN compliance_status IS NULL THEN 'VANISHED'
      WHEN compliance_status = 'UNKNOWN' THEN 'BECAME_UNKNOWN'
      WHEN previous_compliance_status = 'UNKNOWN' THEN 'BECAME_KNOWN'
      WHEN compliance_status = 'COMPLIANT' THEN 'REMEDIATED'
      ELSE 'NEWLY_NON_COMPLIANT'
    END AS change,
    previous_compliance_status,
    compliance_status
  FROM nodes
  WHERE compliance_status IS DISTINCT FROM previous_compliance_status
)
SELECT
  coalesce(changed.change, 'NOT_COMPARED') AS change,
  compared.reason,
  compared.account_id,
  compared.region,
  changed.instance_id,
  changed.computer_name,
  changed.platform_name,
  changed.patch_group,
  compared.previous_run_id,
  changed.previous_compliance_status,
  changed.compliance_status,
  compared.run_id,
  compared.run_status,
  compared.run_age_hours,
  compared.run_coverage
FROM compared
LEFT JOIN changed ON changed.account_id = compared.account_id AND changed.region = compared.region
/* A target that was compared and has no change gets no row. */
WHERE changed.instance_id IS NOT NULL OR compared.reason IS NOT NULL
ORDER BY change, compared.account_id, compared.region, changed.instance_id
