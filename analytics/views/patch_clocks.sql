-- Question: When did each node begin to need each patch and each line of patches, and how did that end?
-- Rows: one per streak of a patch on a node, and one per streak of a line on a node, in the last HistoryDays days. A
--   streak begins with the first run that sees the patch, or a patch of the line, open. It ends when that is gone.
-- Columns:
--   patches_status: As in runs, for the newest run.
--   account_name: As in coverage; for an account that has left the plan, as in the last run that included it.
--   listing_status: As in known_targets, in the newest run.
--   computer_name: As in the last run that read the node's state; so are the next five columns.
--   platform_type: As computer_name.
--   platform_name: As computer_name.
--   platform_version: As computer_name.
--   patch_group: As computer_name.
--   baseline_id: As computer_name.
--   clock: PATCH or LINE.
--   line: As in patch_lines.
--   kb_id: The id of the patch; NULL for a line.
--   title: The title of the patch; NULL for a line.
--   severity: The highest severity of the streak, by severity_rank: Critical, Important, Medium (also for Moderate) or
--     Low; Unranked for every other word.
--   severity_rank: As in severity_ranks; 0 for every other word, and where severities are the priorities of packages.
--   outcome: The first value that applies. REMEDIATED: it is gone, and for a patch so is its whole line. REPLACED: the
--     patch is gone, but its line is not. NODE_GONE: the last run that read the target did not list the node. RESCOPED:
--     a later scan does not have it open, but used another baseline or an install override list, or has (or may have) an
--     AvailableSecurityUpdate instead. OPEN: none of these.
--   is_confirmed: Whether it is OPEN and the newest run saw that. If that run did not read the node, what was open
--     stays OPEN.
--   opened_at: The end of the scan that first had it open.
--   last_open_at: The end of the last scan that had it open.
--   last_open_run_id: The last run that saw it open.
--   ended_at: The end of the first scan in which it was gone; NULL unless REMEDIATED or REPLACED.
--   days_open: Days by UTC date from opened_at to run_at if OPEN, to ended_at if REMEDIATED or REPLACED, and otherwise
--     to last_open_at.
--   is_lower_bound: Whether it may be older, because the history has no earlier scan in which it was not open, or none
--     on the day before.
--   most_days_open: The days if it was open from the day after the last scan in which it was not; NULL if the history
--     has no such scan, so no upper limit is known.
-- Caveats:
--   - Open means Missing, Failed or InstalledPendingReboot; a change between these does not end a streak.
--   - Gone means that a scan after the one that last had it open, with the same baseline and without an install
--     override list, does not have it, in a run in which the patches of the node equal its four counts, or these are 0
--     and the run read every available security update. Nothing else ends a streak. A streak that is RESCOPED or
--     NODE_GONE continues when the patch is open again.
--   - What is gone and open again before the next such scan counts as open all the time. After runs that did not read
--     the node, days_open may therefore be too high.
--   - An AvailableSecurityUpdate neither begins nor ends a streak: Windows stops offering an update once the next one
--     replaces it, even before the baseline approves the next one. In a scan that offers the patch, it is not
--     open, so a scan that offers it limits most_days_open.
--   - If the patches of a run do not equal the counts, or the scan time is invalid, the scan that they come from is not
--     known, so the time of SSM's answer is used, or that of the next scan that a run knows, if it is earlier. Times
--     never go back: a later run never gets an earlier time.
--   - A change inside a baseline cannot be seen: patches that it removes look REMEDIATED.
--   - A streak that began before the history is only as old as the history.
WITH numbered_runs AS (
  SELECT run_id, run_date, CAST(row_number() OVER (ORDER BY run_id) AS integer) AS place
  FROM history_runs
  WHERE is_published
),
/* The nodes that had a patch: no other has a clock. Numbers replace the ids of nodes and patches, which keeps the next
   steps small. */
nodes AS (
  SELECT
    account_id, region, instance_id,
    CAST(row_number() OVER (ORDER BY account_id, region, instance_id) AS integer) AS node
  FROM history_patches
  WHERE state IS NOT NULL
  GROUP BY account_id, region, instance_id
),
/* Each as last read. */
last_read AS (
  SELECT
    node, account_id, region, instance_id,
    max(run_id) AS last_listed_run_id,
    max_by(computer_name, platform_reading) AS computer_name,
    max_by(platform_type, platform_reading) AS platform_type,
    max_by(platform_name, platform_reading) AS platform_name,
    max_by(platform_version, platform_reading) AS platform_version,
    max_by(patch_group, group_reading) AS patch_group,
    max_by(baseline_id, group_reading) AS baseline_id,
    max_by(has_severities, platform_reading) AS has_severities
  FROM (
    SELECT
      nodes.node, listed.run_id, listed.account_id, listed.region, listed.instance_id, listed.computer_name,
      listed.platform_type, listed.platform_name, listed.platform_version, listed.patch_group, listed.baseline_id,
      listed.has_severities,
      /* The last of the readings that know most of the platform, the name first, which decides about severities. */
      CASE WHEN trim(listed.platform_name) <> '' THEN '1' ELSE '0' END
        || CASE WHEN trim(listed.platform_type) <> '' THEN '1' ELSE '0' END
        || CASE WHEN trim(listed.platform_version) <> '' THEN '1' ELSE '0' END
        || ' ' || listed.run_id AS platform_reading,
      CASE WHEN listed.patch_group IS NULL THEN '0 ' ELSE '1 ' END || listed.run_id AS group_reading
    FROM history_node_compliance AS listed
    JOIN nodes
      ON nodes.account_id = listed.account_id
      AND nodes.region = listed.region
      AND nodes.instance_id = listed.instance_id
  ) AS readings
  GROUP BY node, account_id, region, instance_id
),
numbered_patches AS (
  SELECT
    kb_id, title, line,
    CAST(row_number() OVER (ORDER BY kb_id, title) AS integer) AS patch,
    CAST(dense_rank() OVER (ORDER BY line) AS integer) AS line_number
  FROM patch_lines
),
observed AS (
  SELECT
    nodes.node, run.place, counts.run_at, counts.baseline_id,
    counts.install_override_list IS NOT NULL AS is_overridden,
    CASE WHEN counts.scan_age_days IS NOT NULL THEN counts.operation_end_time END AS scanned_at,
    CASE
      WHEN counts.are_equal AND counts.scan_age_days IS NOT NULL THEN counts.operation_end_time
      /* Without an answer about patches, none was seen, and there is no time. */
      ELSE counts.patches_collected_at
    END AS answered_at,
    counts.scan_age_days IS NOT NULL
      AND coalesce(
        counts.are_zero OR counts.are_equal AND counts.rows_not_known = 0 AND counts.rows_without_name = 0, false
      ) AS is_whole,
    /* One of the available updates may be the patch. */
    counts.available_security_update_count > 0
      AND NOT coalesce(counts.rows_not_known = 0 AND counts.rows_without_name = 0, false) AS may_be_available
  FROM history_node_patch_counts AS counts
  JOIN numbered_runs AS run ON run.run_id = counts.run_id AND run.run_date = counts.run_date
  JOIN nodes
    ON nodes.account_id = counts.account_id
    AND nodes.region = counts.region
    AND nodes.instance_id = counts.instance_id
),
followed_scans AS (
  SELECT
    node, place, baseline_id, scanned_at, answered_at, is_whole, is_overridden, may_be_available,
    lead(run_at) OVER (PARTITION BY node ORDER BY place) AS next_run_at,
    min(scanned_at) OVER (PARTITION BY node ORDER BY place ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
      AS next_scan_at
  FROM observed
),
timed_scans AS (
  SELECT
    node, place, baseline_id, scanned_at, is_whole, is_overridden, may_be_available,
    max(scanned_at) OVER (PARTITION BY node ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
      AS newest_scan_at,
    max(
      CASE
        /* The answer came from a scan that is not known, and so not from a later one than the next that is known. */
        WHEN coalesce(answered_at <> scanned_at, true) AND answered_at <= next_run_at AND next_scan_at < answered_at
          THEN next_scan_at
        ELSE answered_at
      END
    ) OVER (PARTITION BY node ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS seen_at,
    max(CASE WHEN is_whole THEN scanned_at END) OVER (
      PARTITION BY node ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS earlier_scan_at,
    max(CASE WHEN is_whole THEN scanned_at END) OVER (
      PARTITION BY node ORDER BY place ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS later_scan_at
  FROM followed_scans
),
/* What each run shows about a node, and the first later run that can end what is open in this one. */
scans AS (
  SELECT
    node, place, seen_at,
    coalesce(CAST(earlier_scan_at AS date), DATE '1970-01-01') AS earlier_scan_on,
    CASE WHEN later_scan_at > seen_at THEN 1 ELSE 0 END AS was_scanned_later,
    min(CASE WHEN can_end THEN place END) OVER (
      PARTITION BY node, baseline_id ORDER BY newest_scan_at GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS ended_place,
    min(CASE WHEN can_end THEN newest_scan_at END) OVER (
      PARTITION BY node, baseline_id ORDER BY newest_scan_at GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS ended_at
  FROM (
    SELECT
      node, place, baseline_id, newest_scan_at, seen_at, earlier_scan_at, later_scan_at,
      is_whole AND scanned_at = newest_scan_at AND baseline_id IS NOT NULL AND NOT is_overridden
        AND NOT coalesce(may_be_available, false) AS can_end
    FROM timed_scans
  ) AS judged
),
sightings AS (
  SELECT
    nodes.node, known.line_number, known.patch, run.place, sighting.is_open, ranks.severity_rank
  FROM history_node_patches AS sighting
  JOIN numbered_runs AS run ON run.run_id = sighting.run_id AND run.run_date = sighting.run_date
  JOIN nodes
    ON nodes.account_id = sighting.account_id
    AND nodes.region = sighting.region
    AND nodes.instance_id = sighting.instance_id
  JOIN numbered_patches AS known ON known.kb_id = sighting.kb_id AND known.title = sighting.title
  LEFT JOIN severity_ranks AS ranks ON ranks.severity = sighting.severity
  WHERE sighting.is_open OR sighting.state = 'AvailableSecurityUpdate'
),
/* Consecutive runs that all have the patch open, or all have it but not open: nothing ends within them. */
spells AS (
  SELECT
    node, line_number, patch, is_open,
    min(place) AS first_place,
    max(place) AS last_place,
    max(severity_rank) AS severity_rank
  FROM (
    SELECT
      node, line_number, patch, is_open, place, severity_rank,
      place - CAST(dense_rank() OVER (PARTITION BY node, patch, is_open ORDER BY place) AS integer) AS spell
    FROM sightings
  ) AS placed
  GROUP BY node, line_number, patch, is_open, spell
),
/* One join for both ends of a spell: Athena would compute the scans again for each. */
timed_spells AS (
  SELECT
    ends.node, ends.line_number, ends.patch, ends.is_open, ends.first_place, ends.last_place, ends.severity_rank,
    min(scan.seen_at) AS opened_at,
    max(scan.seen_at) AS last_open_at,
    max(CASE WHEN scan.place = ends.first_place THEN scan.earlier_scan_on END) AS earlier_scan_on,
    max(CASE WHEN scan.place = ends.last_place THEN scan.was_scanned_later END) AS was_scanned_later,
    max(CASE WHEN scan.place = ends.last_place THEN scan.ended_place END) AS ended_place,
    max(CASE WHEN scan.place = ends.last_place THEN scan.ended_at END) AS ended_at
  FROM (
    SELECT
      spells.node, spells.line_number, spells.patch, spells.is_open, spells.first_place, spells.last_place,
      spells.severity_rank,
      CASE WHEN side.is_first THEN spells.first_place ELSE spells.last_place END AS place
    FROM spells
    CROSS JOIN (VALUES (true), (false)) AS side (is_first)
  ) AS ends
  JOIN scans AS scan ON scan.node = ends.node AND scan.place = ends.place
  GROUP BY
    ends.node, ends.line_number, ends.patch, ends.is_open, ends.first_place, ends.last_place, ends.severity_rank
),
/* The spells of each clock: those of a patch and, with 0 in place of its number, those of all patches of a line. */
clocked AS (
  SELECT
    spell.node, spell.line_number, spell.patch, spell.is_open, spell.first_place, spell.last_place, spell.severity_rank,
    spell.opened_at, spell.last_open_at, spell.earlier_scan_on, spell.was_scanned_later,
    spell.ended_place, spell.ended_at,
    CASE WHEN clocks.is_of_patch THEN spell.patch ELSE 0 END AS clock
  FROM timed_spells AS spell
  CROSS JOIN (VALUES (true), (false)) AS clocks (is_of_patch)
),
followed AS (
  SELECT
    node, line_number, clock, patch, is_open, first_place, last_place, severity_rank,
    opened_at, last_open_at, earlier_scan_on, was_scanned_later, ended_place, ended_at,
    min(first_place) OVER (
      PARTITION BY node, line_number, clock ORDER BY last_place GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS next_place
  FROM clocked
),
separated AS (
  SELECT
    node, line_number, clock, patch, is_open, last_place, severity_rank,
    opened_at, last_open_at, earlier_scan_on, was_scanned_later,
    CASE WHEN next_place IS NULL OR ended_place < next_place THEN ended_place END AS ended_place,
    CASE WHEN next_place IS NULL OR ended_place < next_place THEN ended_at END AS ended_at,
    CAST(coalesce(sum(CASE WHEN ended_place < next_place THEN 1 ELSE 0 END) OVER (
      PARTITION BY node, line_number, clock ORDER BY last_place GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS integer) AS streak
  FROM followed
),
streaks AS (
  SELECT
    node, line_number, clock,
    max(patch) AS patch,
    max(CASE WHEN is_open THEN last_place END) AS last_open_place,
    min(CASE WHEN is_open THEN opened_at END) AS opened_at,
    max(CASE WHEN is_open THEN last_open_at END) AS last_open_at,
    min(CASE WHEN is_open THEN earlier_scan_on END) AS earlier_scan_on,
    /* What holds after one spell also holds after earlier ones. */
    min(CASE WHEN is_open THEN was_scanned_later END) AS was_scanned_later,
    max(ended_place) AS ended_place,
    max(ended_at) AS ended_at,
    max(severity_rank) AS severity_rank
  FROM separated
  GROUP BY node, line_number, clock, streak
  HAVING count_if(is_open) > 0
),
concluded AS (
  SELECT
    node, clock, patch, last_open_place, opened_at, last_open_at, earlier_scan_on, was_scanned_later,
    ended_place, ended_at, severity_rank,
    /* A patch ends with its line if a streak of the line ends in the same run. */
    min(clock) OVER (PARTITION BY node, line_number, ended_place) = 0 AS is_with_line
  FROM streaks
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
described AS (
  SELECT
    target.run_id, target.run_at, target.run_date, target.run_status, target.run_age_hours, target.run_coverage,
    target.patches_status, target.account_id, target.account_name, target.region, target.listing_status,
    nodes.instance_id, nodes.computer_name, nodes.platform_type, nodes.platform_name, nodes.platform_version,
    nodes.patch_group, nodes.baseline_id,
    CASE WHEN streak.clock = 0 THEN 'LINE' ELSE 'PATCH' END AS clock,
    known.line, known.kb_id, known.title,
    CASE WHEN nodes.has_severities THEN coalesce(streak.severity_rank, 0) ELSE 0 END AS severity_rank,
    streak.opened_at, streak.last_open_at, last_open.run_id AS last_open_run_id, streak.ended_at,
    CASE
      WHEN streak.ended_place IS NOT NULL AND streak.is_with_line THEN 'REMEDIATED'
      WHEN streak.ended_place IS NOT NULL THEN 'REPLACED'
      WHEN target.last_whole_run_id > nodes.last_listed_run_id THEN 'NODE_GONE'
      WHEN streak.was_scanned_later = 1 THEN 'RESCOPED'
      ELSE 'OPEN'
    END AS outcome,
    CASE
      WHEN streak.earlier_scan_on >= CAST(streak.opened_at AS date) THEN 0
      WHEN streak.earlier_scan_on > DATE '1970-01-01'
        THEN date_diff('day', CAST(streak.earlier_scan_on AS date), CAST(streak.opened_at AS date)) - 1
    END AS days_unseen_before
  FROM concluded AS streak
  JOIN last_read AS nodes ON nodes.node = streak.node
  JOIN numbered_patches AS known ON known.patch = streak.patch
  JOIN numbered_runs AS last_open ON last_open.place = streak.last_open_place
  JOIN targets AS target ON target.account_id = nodes.account_id AND target.region = nodes.region
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
