-- Question: How long has each node been non-compliant?
-- Rows: one per latest known node that was NON_COMPLIANT and has not been seen COMPLIANT since.
-- Columns:
--   compliance_status: The node's state in the newest published run: NON_COMPLIANT, or UNKNOWN, which does not stop the
--     clock: that the state is no longer known does not mean that the node was patched.
--   unknown_reason: Why it is UNKNOWN; TARGET_NOT_READ or TARGET_NOT_PLANNED where its target was not read.
--   non_compliant_since: The first run in which it was NON_COMPLIANT after the last run that saw it COMPLIANT.
--   last_non_compliant_at: The last run that saw it NON_COMPLIANT.
--   is_lower_bound: Whether the age may be higher: no run in the window saw the node COMPLIANT, or no run saw its state
--     on the days between the last time that it was COMPLIANT and non_compliant_since.
--   days_non_compliant: Days from non_compliant_since to the newest published run, by UTC date.
--   days_unobserved: The number of UTC dates in that span, both ends included, on which no run saw its state.
--   most_days_non_compliant: The age if the node became non-compliant on the day after it was last seen COMPLIANT; NULL
--     if no run in the window saw it COMPLIANT, so no upper limit is known.
-- Caveats:
--   - This is the age of the node's state as seen here, not of a patch.
--   - If a listing has rows without an id (run_coverage), a node that it does not name may be one of them, and has no
--     row here.
--   - Only a run that sees the node COMPLIANT resets the clock. The window limits how far back the age can reach.
WITH seen_compliant AS (
  SELECT
    account_id,
    region,
    instance_id,
    max(run_at) AS last_compliant_at
  FROM node_compliance
  WHERE compliance_status = 'COMPLIANT'
  GROUP BY account_id, region, instance_id
),
/* The dates with several runs, which count once; few have them, so the next step has few rows. */
shared_dates AS (
  SELECT run_date
  FROM covered_runs
  WHERE is_published
  GROUP BY run_date
  HAVING count(*) > 1
),
observed AS (
  SELECT
    state.account_id,
    state.region,
    state.instance_id,
    min(state.run_at) AS first_run_at,
    max(state.run_at) AS last_run_at,
    CASE WHEN shared_dates.run_date IS NULL THEN count(*) ELSE 1 END AS dates,
    max(seen.last_compliant_at) AS last_compliant_at
  FROM node_compliance AS state
  LEFT JOIN seen_compliant AS seen
    ON seen.account_id = state.account_id AND seen.region = state.region AND seen.instance_id = state.instance_id
  LEFT JOIN shared_dates ON shared_dates.run_date = state.run_date
  WHERE state.compliance_status = 'NON_COMPLIANT'
    AND (seen.last_compliant_at IS NULL OR state.run_at > seen.last_compliant_at)
  GROUP BY state.account_id, state.region, state.instance_id, shared_dates.run_date
),
clocks AS (
  SELECT
    account_id,
    region,
    instance_id,
    min(first_run_at) AS non_compliant_since,
    max(last_run_at) AS last_non_compliant_at,
    sum(dates) AS dates_observed,
    max(last_compliant_at) AS last_compliant_at
  FROM observed
  GROUP BY account_id, region, instance_id
),
aged AS (
  SELECT
    clocks.account_id,
    clocks.region,
    clocks.instance_id,
    clocks.non_compliant_since,
    clocks.last_non_compliant_at,
    clocks.dates_observed,
    CASE
      WHEN CAST(clocks.last_compliant_at AS date) = CAST(clocks.non_compliant_since AS date) THEN 0
      ELSE date_diff('day', CAST(clocks.last_compliant_at AS date), CAST(clocks.non_compliant_since AS date)) - 1
    END AS days_unseen_before
  FROM clocks
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
  aged.non_compliant_since,
  aged.last_non_compliant_at,
  coalesce(aged.days_unseen_before > 0, true) AS is_lower_bound,
  date_diff('day', CAST(aged.non_compliant_since AS date), CAST(node.run_at AS date)) AS days_non_compliant,
  date_diff('day', CAST(aged.non_compliant_since AS date), CAST(node.run_at AS date)) + 1 - aged.dates_observed
    AS days_unobserved,
  date_diff('day', CAST(aged.non_compliant_since AS date), CAST(node.run_at AS date)) + aged.days_unseen_before
    AS most_days_non_compliant
FROM latest_known_nodes AS node
JOIN aged ON aged.account_id = node.account_id AND aged.region = node.region AND aged.instance_id = node.instance_id
