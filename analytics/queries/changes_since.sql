-- Question 14: What changed since a date?
-- Rows: one per node that is new, vanished or in another state, and one per active target that could not be compared.
-- Parameters:
--   date (date, such as 2026-11-01): The UTC date to compare with; the comparison uses the last run of that date that
--     listed the target, or else the last one before.
-- Columns:
--   instance_id: The node; NULL where a whole target could not be compared.
--   change: As in changes_since_previous_run; NOT_COMPARED also where the window holds no listing up to the date, or no
--     run after it.
--   reason: Why the target could not be compared, NULL otherwise. TARGET_NOT_PLANNED, TARGET_NOT_READ: the newest
--     published run did not plan it, or did not read it. NO_EARLIER_LISTING: the window holds no listing of it up to
--     the date. NO_LATER_RUN: the newest published run is not later than the listing to compare with.
--   previous_run_id: The run that the target is compared with; NULL where there is none.
--   previous_compliance_status: The node's state in that run; NULL where it was not listed.
--   compliance_status: The node's state in the newest published run; NULL where it is not listed.
-- Caveats:
--   - Where a listing has rows without an id (run_coverage), a node that it does not have by name may be one of them.
--   - The query compares two states: changes in between that were reverted are not here. Each target has its own two
--     runs.
WITH asked AS (
  SELECT
    account_id,
    region,
    max(CASE WHEN listing_status = 'LISTED' AND run_date <= CAST(CAST(? AS date) AS varchar) THEN run_id END)
      AS previous_run_id
  FROM target_runs
  GROUP BY account_id, region
),
compared AS (
  SELECT
    target.run_id, target.run_status, target.run_age_hours, target.run_coverage, target.account_id, target.region,
    asked.previous_run_id,
    CASE
      WHEN NOT target.is_planned THEN 'TARGET_NOT_PLANNED'
      WHEN target.listing_status <> 'LISTED' THEN 'TARGET_NOT_READ'
      WHEN asked.previous_run_id IS NULL THEN 'NO_EARLIER_LISTING'
      WHEN asked.previous_run_id >= target.run_id THEN 'NO_LATER_RUN'
    END AS reason
  FROM target_runs AS target
  JOIN asked ON asked.account_id = target.account_id AND asked.region = target.region
  WHERE target.is_latest AND target.is_active
),
earlier AS (
  SELECT
    node.account_id, node.region, node.instance_id, node.computer_name, node.platform_name, node.patch_group,
    node.compliance_status
  FROM node_compliance AS node
  JOIN compared
    ON compared.previous_run_id = node.run_id
    AND compared.account_id = node.account_id
    AND compared.region = node.region
  WHERE compared.reason IS NULL
),
later AS (
  SELECT
    node.account_id, node.region, node.instance_id, node.computer_name, node.platform_name, node.patch_group,
    node.compliance_status
  FROM node_compliance AS node
  JOIN compared
    ON compared.run_id = node.run_id AND compared.account_id = node.account_id AND compared.region = node.region
  WHERE compared.reason IS NULL
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
/* A target that was compared and shows no change is no row. */
WHERE changed.instance_id IS NOT NULL OR compared.reason IS NOT NULL
ORDER BY change, compared.account_id, compared.region, changed.instance_id
