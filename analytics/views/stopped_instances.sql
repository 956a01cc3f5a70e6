-- Question: How long has each stopped EC2 instance been stopped?
-- Rows: one per instance that the newest published run listed as stopping or stopped.
-- Columns:
--   management: As in instance_management: a stopped instance may still be a node in SSM.
--   stopped_since: The first run in the window that saw it stopped, after its last launch and after the last run that
--     saw it in another state.
--   is_lower_bound: Whether it may have been stopped for longer, because nothing shows that it ran on the day before
--     stopped_since.
--   days_stopped: Days from stopped_since to the newest published run, by UTC date.
--   days_unobserved: The number of UTC dates in that span, both ends included, on which no run listed it.
--   most_days_stopped: The days if it stopped on the day after it was launched or last seen in another state; NULL if
--     neither is known, so no upper limit is known.
-- Caveats:
--   - The time comes from the lake's own history: the window and the age of the lake limit how far back it can reach.
--   - targets_not_known lists the targets that may have stopped instances that this view does not show, and
--     instance_management the instances whose state is not known.
WITH stopped AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage,
    account_id, account_name, region, instance_id,
    ${InstanceColumns},
    management
  FROM instance_management
  WHERE is_latest AND state IN ('stopping', 'stopped')
),
observed AS (
  SELECT
    instance.account_id,
    instance.region,
    instance.instance_id,
    instance.run_at,
    instance.run_date,
    max(
      CASE
        WHEN instance.state NOT IN ('stopping', 'stopped') OR instance.launch_time < stopped.launch_time
          THEN instance.run_at
      END
    ) OVER (PARTITION BY instance.account_id, instance.region, instance.instance_id) AS last_other_at
  FROM recent_instances AS instance
  JOIN runs
    ON runs.run_id = instance.run_id
    AND runs.run_date = instance.run_date
    AND runs.is_published
    AND runs.instances_status IN ('COMPLETE', 'PARTIAL')
  JOIN stopped
    ON stopped.account_id = instance.account_id
    AND stopped.region = instance.region
    AND stopped.instance_id = instance.instance_id
  WHERE instance.state IS NOT NULL
),
clocks AS (
  SELECT
    account_id,
    region,
    instance_id,
    min(run_at) AS stopped_since,
    count(DISTINCT run_date) AS dates_observed,
    last_other_at
  FROM observed
  WHERE last_other_at IS NULL OR run_at > last_other_at
  GROUP BY account_id, region, instance_id, last_other_at
),
limited AS (
  SELECT
    stopped.run_id, stopped.run_at, stopped.run_date, stopped.run_status, stopped.run_age_hours, stopped.run_coverage,
    stopped.account_id, stopped.account_name, stopped.region, stopped.instance_id,
    stopped.${InstanceColumns},
    stopped.management,
    clocks.stopped_since,
    clocks.dates_observed,
    /* The last time at which it is known to have run. */
    CASE
      WHEN stopped.launch_time > clocks.last_other_at OR clocks.last_other_at IS NULL THEN stopped.launch_time
      ELSE clocks.last_other_at
    END AS last_run_at
  FROM stopped
  JOIN clocks
    ON clocks.account_id = stopped.account_id
    AND clocks.region = stopped.region
    AND clocks.instance_id = stopped.instance_id
),
aged AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage,
    account_id, account_name, region, instance_id,
    ${InstanceColumns},
    management, stopped_since, dates_observed,
    date_diff('day', CAST(stopped_since AS date), CAST(run_at AS date)) AS days_stopped,
    CASE
      WHEN CAST(last_run_at AS date) >= CAST(stopped_since AS date) THEN 0
      ELSE date_diff('day', CAST(last_run_at AS date), CAST(stopped_since AS date)) - 1
    END AS days_unseen_before
  FROM limited
)
SELECT
  run_id, run_at, run_date, run_status, run_age_hours, run_coverage,
  account_id, account_name, region, instance_id,
  ${InstanceColumns},
  management,
  stopped_since,
  coalesce(days_unseen_before > 0, true) AS is_lower_bound,
  days_stopped,
  days_stopped + 1 - dates_observed AS days_unobserved,
  days_stopped + days_unseen_before AS most_days_stopped
FROM aged
