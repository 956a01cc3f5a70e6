-- Question: When did each node begin to need each patch and each line of patches, and how did that end?
-- Rows: one per streak of a patch on a node, and one per streak of a line on a node, in the last HistoryDays days. A streak
--   begins with the first run that sees the patch open, or a patch of the line, and ends where it is gone.
-- Columns:
--   patches_status: As in runs, of the newest run.
--   account_name: As in coverage; of an account that has left the plan, as in the last run that had it.
--   listing_status: As in known_targets, in the newest run.
--   computer_name: As in the last run that read the node's state; so are the next five.
--   platform_type: As computer_name.
--   platform_name: As computer_name.
--   platform_version: As computer_name.
--   patch_group: As computer_name.
--   baseline_id: As computer_name.
--   clock: PATCH or LINE.
--   line: As in patch_lines.
--   kb_id: The id of the patch; NULL for a line.
--   title: The title of the patch; NULL for a line.
--   severity: The highest severity of the streak, by severity_rank: Critical, Important, Medium (also for Moderate) or Low;
--     Unranked for every other word.
--   severity_rank: As in severity_ranks; 0 for every other word, and where severities are the priorities of packages.
--   outcome: The first that applies. REMEDIATED: it is gone; a patch with its whole line. REPLACED: the patch is gone, and its
--     line is not. NODE_GONE: the last run that read the target did not list the node. RESCOPED: a later scan does not have
--     it open, but under another baseline or an install override list, or it has an AvailableSecurityUpdate instead. OPEN:
--     none of these.
--   is_confirmed: Whether it is OPEN and the newest run saw that: where it did not read the node, an open line stays OPEN.
--   opened_at: The end of the scan that first had it open.
--   last_open_at: The end of the last scan that had it open.
--   last_open_run_id: The last run that saw it open.
--   ended_at: The end of the first scan in which it was gone; NULL unless REMEDIATED or REPLACED.
--   days_open: Days by UTC date from opened_at: of an OPEN one to run_at, of one that is gone to ended_at, otherwise to
--     last_open_at.
--   is_lower_bound: Whether it may be older: the history has no scan before it in which it was not open, or none of the
--     day before.
--   most_days_open: The days if it was open from the day after the last scan in which it was not; NULL where the history has
--     none, so that no limit is known.
-- Caveats:
--   - Open is Missing, Failed or InstalledPendingReboot: one streak.
--   - Gone means: a later scan than the one that last had it open, under the same baseline and without an install override
--     list, does not have it, in a run where the patches of the node equal its four counts, or these are 0. Nothing else ends
--     a streak. One that is RESCOPED or NODE_GONE continues when the patch is open again.
--   - An AvailableSecurityUpdate neither begins nor ends a streak: Windows no longer offers an update that the next one
--     replaces, also before the baseline approves that one.
--   - Where the patches of a run do not equal the counts, or the time of the scan is not valid, the scan that they come from
--     is not known: the time when SSM answered counts.
--   - A change inside a baseline cannot be seen: what it takes away looks REMEDIATED.
--   - A streak that began before the history has the age that the history has.
WITH observed AS (
  SELECT
    run_id, account_id, region, instance_id, baseline_id,
    install_override_list IS NOT NULL AS is_overridden,
    CASE WHEN scan_age_days IS NOT NULL THEN operation_end_time END AS scanned_at,
    max(CASE WHEN scan_age_days IS NOT NULL THEN operation_end_time END) OVER (
      PARTITION BY account_id, region, instance_id ORDER BY run_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS newest_scan_at,
    CASE
      WHEN are_equal AND scan_age_days IS NOT NULL THEN operation_end_time
      ELSE coalesce(patches_collected_at, collected_at)
    END AS seen_at,
    scan_age_days IS NOT NULL
      AND coalesce(are_zero OR are_equal AND rows_not_known = 0 AND rows_without_name = 0, false) AS is_whole
  FROM history_node_patch_counts
),
/* What each run of a node says, and the first later run that can end what this one has open. */
scans AS (
  SELECT
    run_id, account_id, region, instance_id, seen_at,
    max(CASE WHEN is_whole THEN scanned_at END) OVER (
      PARTITION BY account_id, region, instance_id ORDER BY run_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS earlier_scan_at,
    max(CASE WHEN is_whole THEN scanned_at END) OVER (
      PARTITION BY account_id, region, instance_id ORDER BY run_id ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS later_scan_at,
    min(CASE WHEN baseline_id IS NOT NULL AND is_whole AND NOT is_overridden AND scanned_at = newest_scan_at THEN run_id END)
      OVER (
        PARTITION BY account_id, region, instance_id, baseline_id ORDER BY newest_scan_at
        GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
      ) AS ended_run_id,
    min(CASE WHEN baseline_id IS NOT NULL AND is_whole AND NOT is_overridden AND scanned_at = newest_scan_at THEN scanned_at END)
      OVER (
        PARTITION BY account_id, region, instance_id, baseline_id ORDER BY newest_scan_at
        GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
      ) AS ended_at
  FROM observed
),
sightings AS (
  SELECT
    sighting.account_id, sighting.region, sighting.instance_id, known.line, sighting.kb_id, sighting.title,
    sighting.run_id, sighting.is_open, ranks.severity_rank,
    scan.seen_at, scan.earlier_scan_at, scan.later_scan_at, scan.ended_run_id, scan.ended_at
  FROM history_node_patches AS sighting
  JOIN scans AS scan
    ON scan.run_id = sighting.run_id
    AND scan.account_id = sighting.account_id
    AND scan.region = sighting.region
    AND scan.instance_id = sighting.instance_id
  JOIN patch_lines AS known ON known.kb_id = sighting.kb_id AND known.title = sighting.title
  LEFT JOIN severity_ranks AS ranks ON ranks.severity = sighting.severity
  WHERE sighting.is_open OR sighting.state = 'AvailableSecurityUpdate'
),
clocked AS (
  SELECT
    'PATCH' AS clock, account_id, region, instance_id, line, kb_id, title, run_id, is_open, severity_rank,
    seen_at, earlier_scan_at, later_scan_at, ended_run_id, ended_at
  FROM sightings
  UNION ALL
  SELECT
    'LINE' AS clock, account_id, region, instance_id, line,
    CAST(NULL AS varchar) AS kb_id, CAST(NULL AS varchar) AS title, run_id,
    count_if(is_open) > 0 AS is_open, max(severity_rank) AS severity_rank,
    seen_at, earlier_scan_at, later_scan_at, ended_run_id, ended_at
  FROM sightings
  GROUP BY account_id, region, instance_id, line, run_id, seen_at, earlier_scan_at, later_scan_at, ended_run_id, ended_at
),
followed AS (
  SELECT
    clock, account_id, region, instance_id, line, kb_id, title, run_id, is_open, severity_rank,
    seen_at, earlier_scan_at, later_scan_at, ended_run_id, ended_at,
    min(run_id) OVER (
      PARTITION BY clock, account_id, region, instance_id, line, kb_id, title ORDER BY run_id
      ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING
    ) AS next_run_id
  FROM clocked
),
separated AS (
  SELECT
    clock, account_id, region, instance_id, line, kb_id, title, run_id, is_open, severity_rank,
    seen_at, earlier_scan_at, later_scan_at,
    CASE WHEN next_run_id IS NULL OR ended_run_id < next_run_id THEN ended_run_id END AS ended_run_id,
    CASE WHEN next_run_id IS NULL OR ended_run_id < next_run_id THEN ended_at END AS ended_at,
    coalesce(sum(CASE WHEN ended_run_id < next_run_id THEN 1 ELSE 0 END) OVER (
      PARTITION BY clock, account_id, region, instance_id, line, kb_id, title ORDER BY run_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS streak
  FROM followed
),
streaks AS (
  SELECT
    clock, account_id, region, instance_id, line, kb_id, title,
    max(CASE WHEN is_open THEN run_id END) AS last_open_run_id,
    min(CASE WHEN is_open THEN seen_at END) AS opened_at,
    max(CASE WHEN is_open THEN seen_at END) AS last_open_at,
    /* Both have no value in the rows on one side only, so that none in one row is none of the first, or of the last. */
    CASE
      WHEN count_if(is_open AND earlier_scan_at IS NULL) = 0 THEN min(CASE WHEN is_open THEN earlier_scan_at END)
    END AS earlier_scan_at,
    CASE
      WHEN count_if(is_open AND later_scan_at IS NULL) = 0 THEN min(CASE WHEN is_open THEN later_scan_at END)
    END AS later_scan_at,
    max(ended_run_id) AS ended_run_id,
    max(ended_at) AS ended_at,
    max(severity_rank) AS severity_rank
  FROM separated
  GROUP BY clock, account_id, region, instance_id, line, kb_id, title, streak
  HAVING count_if(is_open) > 0
),
/* Each target as the newest run planned it, with the last run whose listing names every node. */
targets AS (
  SELECT
    newest.run_id, newest.run_at, newest.run_date, newest.run_status, newest.run_age_hours, newest.run_coverage,
    newest.patches_status,
    target.account_id, target.account_name, target.region, target.listing_status, target.last_whole_run_id
  FROM runs AS newest
  JOIN (
    SELECT
      known.run_id, known.account_id, known.account_name, known.region, known.listing_status,
      max(CASE WHEN known.listing_status = 'LISTED' AND coalesce(known.rows_without_id, 0) = 0 THEN known.run_id END)
        OVER (PARTITION BY known.account_id, known.region) AS last_whole_run_id
    FROM history_known_targets AS known
    JOIN history_runs AS run ON run.run_id = known.run_id AND run.run_date = known.run_date AND run.is_published
  ) AS target ON target.run_id = newest.run_id
  WHERE newest.is_latest
),
/* Each node as last read. */
nodes AS (
  SELECT
    run_id, account_id, region, instance_id, computer_name,
    platform_type, platform_name, platform_version, patch_group, baseline_id, has_severities,
    max(run_id) OVER (PARTITION BY account_id, region, instance_id) AS last_listed_run_id,
    coalesce(
      max(CASE WHEN collection_status = 'COLLECTED' AND is_platform_known THEN run_id END)
        OVER (PARTITION BY account_id, region, instance_id),
      max(run_id) OVER (PARTITION BY account_id, region, instance_id)
    ) AS described_run_id
  FROM history_node_compliance
),
described AS (
  SELECT
    target.run_id, target.run_at, target.run_date, target.run_status, target.run_age_hours, target.run_coverage,
    target.patches_status, target.account_id, target.account_name, target.region, target.listing_status,
    node.instance_id, node.computer_name, node.platform_type, node.platform_name, node.platform_version,
    node.patch_group, node.baseline_id,
    streaks.clock, streaks.line, streaks.kb_id, streaks.title,
    CASE WHEN node.has_severities THEN coalesce(streaks.severity_rank, 0) ELSE 0 END AS severity_rank,
    streaks.opened_at, streaks.last_open_at, streaks.last_open_run_id, streaks.ended_at,
    CASE
      WHEN streaks.ended_run_id IS NOT NULL
        THEN CASE
          /* With its line, if a streak of that ends in the same run. */
          WHEN max(CASE WHEN streaks.clock = 'LINE' THEN 1 ELSE 0 END) OVER (
            PARTITION BY streaks.account_id, streaks.region, streaks.instance_id, streaks.line, streaks.ended_run_id
          ) = 1 THEN 'REMEDIATED'
          ELSE 'REPLACED'
        END
      WHEN target.last_whole_run_id > node.last_listed_run_id THEN 'NODE_GONE'
      WHEN streaks.later_scan_at > streaks.last_open_at THEN 'RESCOPED'
      ELSE 'OPEN'
    END AS outcome,
    CASE
      WHEN CAST(streaks.earlier_scan_at AS date) >= CAST(streaks.opened_at AS date) THEN 0
      ELSE date_diff('day', CAST(streaks.earlier_scan_at AS date), CAST(streaks.opened_at AS date)) - 1
    END AS days_unseen_before
  FROM streaks
  JOIN nodes AS node
    ON node.account_id = streaks.account_id
    AND node.region = streaks.region
    AND node.instance_id = streaks.instance_id
    AND node.run_id = node.described_run_id
  JOIN targets AS target ON target.account_id = streaks.account_id AND target.region = streaks.region
),
timed AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
    account_id, account_name, region, listing_status, instance_id, computer_name,
    platform_type, platform_name, platform_version, patch_group, baseline_id,
    clock, line, kb_id, title, severity_rank, opened_at, last_open_at, last_open_run_id, ended_at, outcome,
    days_unseen_before,
    date_diff(
      'day',
      CAST(opened_at AS date),
      CAST(CASE WHEN outcome = 'OPEN' THEN run_at ELSE coalesce(ended_at, last_open_at) END AS date)
    ) AS days
  FROM described
)
SELECT
  run_id,
  run_at,
  run_date,
  run_status,
  run_age_hours,
  run_coverage,
  patches_status,
  account_id,
  account_name,
  region,
  listing_status,
  instance_id,
  computer_name,
  platform_type,
  platform_name,
  platform_version,
  patch_group,
  baseline_id,
  clock,
  line,
  CASE WHEN clock = 'PATCH' THEN kb_id END AS kb_id,
  CASE WHEN clock = 'PATCH' THEN title END AS title,
  CASE severity_rank
    WHEN 4 THEN 'Critical' WHEN 3 THEN 'Important' WHEN 2 THEN 'Medium' WHEN 1 THEN 'Low' ELSE 'Unranked'
  END AS severity,
  severity_rank,
  outcome,
  outcome = 'OPEN' AND last_open_run_id = run_id AS is_confirmed,
  opened_at,
  last_open_at,
  last_open_run_id,
  ended_at,
  CASE WHEN days > 0 THEN days ELSE 0 END AS days_open,
  coalesce(days_unseen_before > 0, true) AS is_lower_bound,
  CASE WHEN days > 0 THEN days ELSE 0 END + days_unseen_before AS most_days_open
FROM timed
