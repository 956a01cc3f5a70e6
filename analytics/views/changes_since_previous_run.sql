-- Question: What changed since the previous run?
-- Rows: one per node that is new, vanished or in another state, and one per active target that could not be compared.
-- Columns:
--   instance_id: The node; NULL where a whole target could not be compared.
--   change: NEW: not listed before. VANISHED: no longer listed. NEWLY_NON_COMPLIANT: it was COMPLIANT. REMEDIATED: it
--     was NON_COMPLIANT and is COMPLIANT. BECAME_UNKNOWN, BECAME_KNOWN: it changed to or from UNKNOWN. NOT_COMPARED:
--     the newest published run did not read the target, or no run in the window before it did.
--   previous_run_id: The run that the target is compared with, which is the last earlier run that listed it; NULL if
--     there is none.
--   previous_compliance_status: The node's state in that run; NULL where it was not listed.
--   compliance_status: The node's state in the newest published run; NULL where it is not listed.
-- Caveats:
--   - Each target is compared with its own last listing, so a target that was not read yesterday is compared with the
--     day before, and an outage does not show up as vanished or new nodes.
--   - If a listing has rows without an id (run_coverage), a node that it does not name may be one of them.
--   - Nodes of a target that is NOT_COMPARED may have changed in any way.
WITH compared AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, account_id, region,
    previous_read_run_id, previous_read_date,
    listing_status = 'LISTED' AND previous_read_run_id IS NOT NULL AS is_comparable
  FROM target_listings
  WHERE is_latest AND is_active
),
listings AS (
  SELECT
    compared.account_id, compared.region, side.is_later,
    CASE WHEN side.is_later THEN compared.run_id ELSE compared.previous_read_run_id END AS run_id,
    CASE WHEN side.is_later THEN compared.run_date ELSE compared.previous_read_date END AS run_date
  FROM compared
  CROSS JOIN (VALUES (true), (false)) AS side (is_later)
  WHERE compared.is_comparable
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
  compared.run_id,
  compared.run_at,
  compared.run_date,
  compared.run_status,
  compared.run_age_hours,
  compared.run_coverage,
  compared.account_id,
  compared.region,
  changed.instance_id,
  changed.computer_name,
  changed.platform_name,
  changed.patch_group,
  coalesce(changed.change, 'NOT_COMPARED') AS change,
  compared.previous_read_run_id AS previous_run_id,
  changed.previous_compliance_status,
  changed.compliance_status
FROM compared
LEFT JOIN changed ON changed.account_id = compared.account_id AND changed.region = compared.region
/* A target that was compared and has no change gets no row. */
WHERE changed.instance_id IS NOT NULL OR NOT compared.is_comparable
