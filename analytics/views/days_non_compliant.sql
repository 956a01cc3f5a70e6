-- Question: How long has each node been non-compliant?
-- Rows: one per latest known node that was NON_COMPLIANT and has not been seen COMPLIANT since.
-- Columns:
--   compliance_status: The node's state in the newest published run: NON_COMPLIANT, or UNKNOWN, which does not stop the
--     clock: a node whose state is no longer known is not patched.
--   unknown_reason: Why it is UNKNOWN; TARGET_NOT_READ where its target was not read.
--   non_compliant_since: The first run after the last one that saw it COMPLIANT in which it was NON_COMPLIANT.
--   last_non_compliant_at: The last run that saw it NON_COMPLIANT.
--   is_lower_bound: Whether it was already non-compliant when the window first saw its state, so that the age may be
--     higher.
--   days_non_compliant: Days from non_compliant_since to the newest published run, by UTC date.
--   days_unobserved: The UTC dates of that span, both ends included, on which no run saw its state.
-- Caveats:
--   - It is the age of the node's state as seen here, not of a patch.
--   - Only a run that sees the node COMPLIANT resets the clock. The window limits how far back it goes.
WITH observed AS (
  SELECT
    account_id,
    region,
    instance_id,
    run_at,
    run_date,
    compliance_status,
    max(CASE WHEN compliance_status = 'COMPLIANT' THEN run_at END) OVER (PARTITION BY account_id, region, instance_id)
      AS last_compliant_at
  FROM node_compliance
  WHERE compliance_status <> 'UNKNOWN'
),
clocks AS (
  SELECT
    account_id,
    region,
    instance_id,
    min(run_at) AS non_compliant_since,
    max(run_at) AS last_non_compliant_at,
    count(DISTINCT run_date) AS dates_observed,
    last_compliant_at IS NULL AS is_lower_bound
  FROM observed
  WHERE last_compliant_at IS NULL OR run_at > last_compliant_at
  GROUP BY account_id, region, instance_id, last_compliant_at
)
SELECT
  node.run_id,
  node.run_at,
  node.run_date,
  node.run_status,
  node.run_age_hours,
  node.run_coverage,
  node.account_id,
  node.region,
  node.instance_id,
  node.computer_name,
  node.platform_name,
  node.patch_group,
  node.baseline_id,
  node.compliance_status,
  node.unknown_reason,
  clocks.non_compliant_since,
  clocks.last_non_compliant_at,
  clocks.is_lower_bound,
  date_diff('day', CAST(clocks.non_compliant_since AS date), CAST(node.run_at AS date)) AS days_non_compliant,
  date_diff('day', CAST(clocks.non_compliant_since AS date), CAST(node.run_at AS date)) + 1 - clocks.dates_observed
    AS days_unobserved
FROM latest_known_nodes AS node
JOIN clocks
  ON clocks.account_id = node.account_id AND clocks.region = node.region AND clocks.instance_id = node.instance_id
