-- Question: How long does it take to remediate the lines of patches that became open in a month?
-- Rows: one per month, severity and account, and one per month and severity over all accounts.
-- Columns:
--   scope: FLEET for all accounts, ACCOUNT for one.
--   account_id: The account; NULL for the FLEET.
--   account_name: As in coverage; NULL for the FLEET.
--   month: The month in which the lines were first seen open, as YYYY-MM.
--   lines: The streaks of lines that began in it: the cohort.
--   lines_remediated: Those that are REMEDIATED; this and the next three are numbers of the cohort.
--   lines_open: Those that are OPEN.
--   lines_rescoped: Those that are RESCOPED.
--   lines_gone: Those whose node is gone.
--   lines_older: Those whose age is a lower bound, since they were open when they were first seen.
--   median_days: At least half of the cohort took, or has taken so far, no less than this many days: at least. A REMEDIATED
--     line counts with the days until the scan that no longer had it; every other one with those between the scans that
--     first and last saw it open.
--   p90_days: The same for the slowest tenth.
-- Caveats:
--   - Only REMEDIATED is remediation: not what another baseline no longer asks for, not a node that is gone.
--   - A median of a cohort that is not yet REMEDIATED can only rise.
--   - Where no run read a node for some days, its line counts as long as until the first scan after that.
--   - The first month of the history has what was open before, too.
--   - patches_not_known has the nodes and targets whose lines are not here.
WITH cohort AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
    account_id, account_name, severity, severity_rank, outcome, is_lower_bound,
    substr(CAST(CAST(opened_at AS date) AS varchar), 1, 7) AS month,
    CASE
      WHEN outcome = 'REMEDIATED' THEN days_open
      WHEN last_open_at > opened_at THEN date_diff('day', CAST(opened_at AS date), CAST(last_open_at AS date))
      ELSE 0
    END AS days
  FROM line_age
),
scoped AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
    'ACCOUNT' AS scope, account_id, account_name, severity, severity_rank, outcome, is_lower_bound, month, days
  FROM cohort
  UNION ALL
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
    'FLEET' AS scope, CAST(NULL AS varchar) AS account_id, CAST(NULL AS varchar) AS account_name,
    severity, severity_rank, outcome, is_lower_bound, month, days
  FROM cohort
),
ranked AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
    scope, account_id, account_name, severity, severity_rank, outcome, is_lower_bound, month, days,
    row_number() OVER (PARTITION BY scope, account_id, severity_rank, month ORDER BY days) AS place,
    count(*) OVER (PARTITION BY scope, account_id, severity_rank, month) AS lines
  FROM scoped
)
SELECT
  run_id,
  run_at,
  run_date,
  run_status,
  run_age_hours,
  run_coverage,
  patches_status,
  scope,
  account_id,
  account_name,
  month,
  severity,
  severity_rank,
  count(*) AS lines,
  count_if(outcome = 'REMEDIATED') AS lines_remediated,
  count_if(outcome = 'OPEN') AS lines_open,
  count_if(outcome = 'RESCOPED') AS lines_rescoped,
  count_if(outcome = 'NODE_GONE') AS lines_gone,
  count_if(is_lower_bound) AS lines_older,
  /* The nearest rank: the first of the ordered cohort that has as many or more up to it. */
  min(CASE WHEN place * 2 >= lines THEN days END) AS median_days,
  min(CASE WHEN place * 10 >= lines * 9 THEN days END) AS p90_days
FROM ranked
GROUP BY run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
  scope, account_id, account_name, month, severity, severity_rank
