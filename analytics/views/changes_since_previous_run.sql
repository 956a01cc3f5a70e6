-- Question: What changed since the previous run?
-- Rows: one per node that is new, vanished or in another state, and one per active target that could not be compared.
-- Columns:
--   instance_id: The node; NULL where a whole target could not be compared.
--   change: NEW: not listed before. VANISHED: no longer listed. NEWLY_NON_COMPLIANT: it was COMPLIANT. REMEDIATED: it
--     was NON_COMPLIANT and is COMPLIANT. BECAME_UNKNOWN, BECAME_KNOWN: to and from UNKNOWN. NOT_COMPARED: the newest
--     published run did not read the target, or no run of the window before it did.
--   previous_run_id: The run that the target is compared with: its own last run before this one that listed it; NULL
--     where there is none.
--   previous_compliance_status: The node's state in that run; NULL where it was not listed.
--   compliance_status: The node's state in the newest published run; NULL where it is not listed.
-- Caveats:
--   - Each target is compared with its own last listing, so a target that was not read yesterday is compared with the
--     day before, and an outage looks like neither a departure nor a recovery.
--   - Where a listing has rows without an id (run_coverage), a node that it does not have by name may be one of them.
--   - Nodes of a target with NOT_COMPARED may have changed in any way.
WITH compared AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, account_id, region, previous_read_run_id,
    listing_status = 'LISTED' AND previous_read_run_id IS NOT NULL AS is_comparable
  FROM target_runs
  WHERE is_latest AND is_active
),
earlier AS (
  SELECT
    node.account_id, node.region, node.instance_id, node.computer_name, node.platform_name, node.patch_group,
    node.compliance_status
  FROM node_compliance AS node
  JOIN compared
    ON compared.previous_read_run_id = node.run_id
    AND compared.account_id = node.account_id
    AND compared.region = node.region
  WHERE compared.is_comparable
),
later AS (
  SELECT
    node.account_id, node.region, node.instance_id, node.computer_name, node.platform_name, node.patch_group,
    node.compliance_status
  FROM node_compliance AS node
  JOIN compared
    ON compared.run_id = node.run_id
    AND compared.run_date = node.run_date
    AND compared.account_id = node.account_id
    AND compared.region = node.region
  WHERE compared.is_comparable
),
changed AS (
  SELECT
    coalesce(later.account_id, earlier.account_id) AS account_id,
    coalesce(later.region, earlier.region) AS region,
    coalesce(later.instance_id, earlier.instance_id) AS instance_id,
    coalesce(later.computer_name, earlier.computer_name) AS computer_name,
    coalesce(later.platform_name, earlier.platform_name) AS platform_name,
    coalesce(later.patch_group, earlier.patch_group) AS patch_group,
    CASE
      WHEN earlier.instance_id IS NULL THEN 'NEW'
      WHEN later.instance_id IS NULL THEN 'VANISHED'
      WHEN later.compliance_status = 'UNKNOWN' THEN 'BECAME_UNKNOWN'
      WHEN earlier.compliance_status = 'UNKNOWN' THEN 'BECAME_KNOWN'
      WHEN later.compliance_status = 'COMPLIANT' THEN 'REMEDIATED'
      ELSE 'NEWLY_NON_COMPLIANT'
    END AS change,
    earlier.compliance_status AS previous_compliance_status,
    later.compliance_status
  FROM later
  FULL OUTER JOIN earlier
    ON earlier.account_id = later.account_id
    AND earlier.region = later.region
    AND earlier.instance_id = later.instance_id
  WHERE later.compliance_status IS DISTINCT FROM earlier.compliance_status
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
/* A target that was compared and shows no change is no row. */
WHERE changed.instance_id IS NOT NULL OR NOT compared.is_comparable
