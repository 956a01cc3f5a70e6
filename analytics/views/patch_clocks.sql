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
WITH numbered_runs AS (
  SELECT run_id, CAST(row_number() OVER (ORDER BY run_id) AS integer) AS run
  FROM history_runs
  WHERE is_published
),
numbered_nodes AS (
  SELECT
    account_id, region, instance_id,
    max(run_id) AS last_listed_run_id,
    coalesce(max(CASE WHEN collection_status = 'COLLECTED' AND is_platform_known THEN run_id END), max(run_id))
      AS described_run_id,
    CAST(row_number() OVER (ORDER BY account_id, region, instance_id) AS integer) AS node
  FROM history_node_compliance
  GROUP BY account_id, region, instance_id
),
numbered_patches AS (
  SELECT kb_id, title, line, patch, min(patch) OVER (PARTITION BY line) AS line_number
  FROM (
    SELECT kb_id, title, line, CAST(row_number() OVER (ORDER BY kb_id, title) AS integer) AS patch
    FROM patch_lines
  ) AS numbered
),
/* One per run and patch of a node that is open or AvailableSecurityUpdate; numbers, since there are many. */
sightings AS (
  SELECT node.node, known.patch, run.run, sighting.is_open, ranks.severity_rank
  FROM history_node_patches AS sighting
  JOIN numbered_runs AS run ON run.run_id = sighting.run_id
  JOIN numbered_nodes AS node
    ON node.account_id = sighting.account_id
    AND node.region = sighting.region
    AND node.instance_id = sighting.instance_id
  JOIN numbered_patches AS known ON known.kb_id = sighting.kb_id AND known.title = sighting.title
  LEFT JOIN severity_ranks AS ranks ON ranks.severity = sighting.severity
  WHERE sighting.is_open OR sighting.state = 'AvailableSecurityUpdate'
),
spans AS (
  SELECT
    node, patch,
    count(*) AS runs,
    min(run) AS first_run,
    max(run) AS last_run,
    min(CASE WHEN is_open THEN run END) AS first_open_run,
    max(CASE WHEN is_open THEN run END) AS last_open_run,
    max(severity_rank) AS severity_rank
  FROM sightings
  GROUP BY node, patch
),
observed AS (
  SELECT
    run.run, node.node, counts.baseline_id,
    counts.install_override_list IS NOT NULL AS is_overridden,
    CASE WHEN counts.scan_age_days IS NOT NULL THEN counts.operation_end_time END AS scanned_at,
    CASE
      WHEN counts.are_equal AND counts.scan_age_days IS NOT NULL THEN counts.operation_end_time
      ELSE coalesce(counts.patches_collected_at, counts.collected_at)
    END AS seen_at,
    counts.scan_age_days IS NOT NULL AND coalesce(
      counts.are_zero OR counts.are_equal AND counts.rows_not_known = 0 AND counts.rows_without_name = 0, false
    ) AS is_whole
  FROM history_node_patch_counts AS counts
  JOIN numbered_runs AS run ON run.run_id = counts.run_id
  JOIN numbered_nodes AS node
    ON node.account_id = counts.account_id
    AND node.region = counts.region
    AND node.instance_id = counts.instance_id
  JOIN (SELECT DISTINCT node FROM spans) AS needing ON needing.node = node.node
  WHERE counts.rows_with_name > 0
    OR counts.scan_age_days IS NOT NULL AND coalesce(
      counts.are_zero OR counts.are_equal AND counts.rows_not_known = 0 AND counts.rows_without_name = 0, false
    )
),
/* The runs that say something about the patches of a node, of the nodes that have needed one. */
scans AS (
  SELECT
    run, node, baseline_id, is_overridden, scanned_at, seen_at, is_whole,
    row_number() OVER (PARTITION BY node ORDER BY run) AS place,
    max(CASE WHEN is_whole THEN scanned_at END) OVER (
      PARTITION BY node ORDER BY run ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS earlier_scan_at,
    max(CASE WHEN is_whole THEN scanned_at END) OVER (
      PARTITION BY node ORDER BY run ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS later_scan_at
  FROM observed
),
placed AS (
  SELECT
    spans.node, spans.patch, spans.first_run, spans.last_run, spans.first_open_run, spans.last_open_run,
    spans.severity_rank,
    spans.runs = last.place - first.place + 1 AS is_unbroken
  FROM spans
  JOIN scans AS first ON first.node = spans.node AND first.run = spans.first_run
  JOIN scans AS last ON last.node = spans.node AND last.run = spans.last_run
),
/* The few patches that a run between two others does not have: all of their rows, run by run. */
broken AS (
  SELECT
    sightings.node, sightings.patch, sightings.run, sightings.is_open, sightings.severity_rank,
    scans.place - row_number() OVER (PARTITION BY sightings.node, sightings.patch ORDER BY sightings.run) AS island
  FROM sightings
  JOIN placed ON placed.node = sightings.node AND placed.patch = sightings.patch AND NOT placed.is_unbroken
  JOIN scans ON scans.node = sightings.node AND scans.run = sightings.run
),
segments AS (
  SELECT node, patch, first_run, last_run, first_open_run, last_open_run, severity_rank
  FROM placed
  WHERE is_unbroken
  UNION ALL
  SELECT
    node, patch,
    min(run) AS first_run,
    max(run) AS last_run,
    min(CASE WHEN is_open THEN run END) AS first_open_run,
    max(CASE WHEN is_open THEN run END) AS last_open_run,
    max(severity_rank) AS severity_rank
  FROM broken
  GROUP BY node, patch, island
),
/* The first run after the last one of a segment that can end its streak; what it does not have open is gone. */
endings AS (
  SELECT last.node, last.run, min(scan.run) AS ended_run
  FROM (SELECT DISTINCT node, last_run FROM segments) AS segment
  JOIN scans AS last ON last.node = segment.node AND last.run = segment.last_run
  JOIN scans AS scan ON scan.node = last.node AND scan.baseline_id = last.baseline_id
  WHERE scan.run > last.run AND scan.is_whole AND NOT scan.is_overridden AND scan.scanned_at > last.seen_at
  GROUP BY last.node, last.run
),
clocked AS (
  SELECT 'PATCH' AS clock, node, patch, first_run, last_run, first_open_run, last_open_run, severity_rank
  FROM segments
  UNION ALL
  /* In groups, so that no two of a line have the same place in its order. */
  SELECT
    'LINE' AS clock, segments.node, known.line_number AS patch, segments.first_run, segments.last_run,
    min(segments.first_open_run) AS first_open_run,
    max(segments.last_open_run) AS last_open_run,
    max(segments.severity_rank) AS severity_rank
  FROM segments
  JOIN numbered_patches AS known ON known.patch = segments.patch
  GROUP BY segments.node, known.line_number, segments.first_run, segments.last_run
),
followed AS (
  SELECT
    clock, node, patch, first_run, last_run, first_open_run, last_open_run, severity_rank,
    max(last_run) OVER (
      PARTITION BY clock, node, patch ORDER BY first_run, last_run ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS previous_run
  FROM clocked
),
separated AS (
  SELECT
    followed.clock, followed.node, followed.patch, followed.last_run, followed.first_open_run, followed.last_open_run,
    followed.severity_rank,
    sum(CASE WHEN endings.ended_run < followed.first_run THEN 1 ELSE 0 END) OVER (
      PARTITION BY followed.clock, followed.node, followed.patch ORDER BY followed.first_run, followed.last_run
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS streak
  FROM followed
  LEFT JOIN endings ON endings.node = followed.node AND endings.run = followed.previous_run
),
streaks AS (
  SELECT
    clock, node, patch,
    max(last_run) AS last_run,
    min(first_open_run) AS first_open_run,
    max(last_open_run) AS last_open_run,
    max(severity_rank) AS severity_rank
  FROM separated
  GROUP BY clock, node, patch, streak
  HAVING max(last_open_run) IS NOT NULL
),
/* Each target as the newest run planned it, with the last run whose listing names every node. */
targets AS (
  SELECT
    newest.run_id, newest.run_at, newest.run_date, newest.run_status, newest.run_age_hours, newest.run_coverage,
    newest.patches_status,
    target.account_id, target.account_name, target.region, target.listing_status, readable.last_read_run_id
  FROM runs AS newest
  JOIN history_known_targets AS target ON target.run_id = newest.run_id AND target.run_date = newest.run_date
  LEFT JOIN (
    SELECT earlier.account_id, earlier.region, max(earlier.run_id) AS last_read_run_id
    FROM history_known_targets AS earlier
    JOIN numbered_runs AS run ON run.run_id = earlier.run_id
    WHERE earlier.listing_status = 'LISTED' AND coalesce(earlier.rows_without_id, 0) = 0
    GROUP BY earlier.account_id, earlier.region
  ) AS readable ON readable.account_id = target.account_id AND readable.region = target.region
  WHERE newest.is_latest
),
/* Each node as last read. */
nodes AS (
  SELECT
    target.run_id, target.run_at, target.run_date, target.run_status, target.run_age_hours, target.run_coverage,
    target.patches_status, target.account_id, target.account_name, target.region, target.listing_status,
    state.instance_id, state.computer_name, state.platform_type, state.platform_name, state.platform_version,
    state.patch_group, state.baseline_id, state.has_severities,
    known.node,
    coalesce(target.last_read_run_id > known.last_listed_run_id, false) AS is_gone
  FROM history_node_compliance AS state
  JOIN numbered_nodes AS known
    ON state.run_id = known.described_run_id
    AND state.account_id = known.account_id
    AND state.region = known.region
    AND state.instance_id = known.instance_id
  JOIN targets AS target ON target.account_id = known.account_id AND target.region = known.region
),
judged AS (
  SELECT
    streaks.clock, streaks.node, streaks.patch, streaks.severity_rank, streaks.last_open_run,
    opening.seen_at AS opened_at,
    closing.seen_at AS last_open_at,
    ending.scanned_at AS ended_at,
    closing.later_scan_at > closing.seen_at AS is_absent,
    /* Whether the streak of its line ends in the same run. */
    max(CASE WHEN streaks.clock = 'LINE' THEN 1 ELSE 0 END) OVER (
      PARTITION BY streaks.node, known.line_number, ending.run
    ) AS ends_with_line,
    CASE
      WHEN CAST(opening.earlier_scan_at AS date) >= CAST(opening.seen_at AS date) THEN 0
      ELSE date_diff('day', CAST(opening.earlier_scan_at AS date), CAST(opening.seen_at AS date)) - 1
    END AS days_unseen_before
  FROM streaks
  JOIN numbered_patches AS known ON known.patch = streaks.patch
  JOIN scans AS opening ON opening.node = streaks.node AND opening.run = streaks.first_open_run
  JOIN scans AS closing ON closing.node = streaks.node AND closing.run = streaks.last_open_run
  LEFT JOIN endings ON endings.node = streaks.node AND endings.run = streaks.last_run
  LEFT JOIN scans AS ending ON ending.node = endings.node AND ending.run = endings.ended_run
),
described AS (
  SELECT
    nodes.run_id, nodes.run_at, nodes.run_date, nodes.run_status, nodes.run_age_hours, nodes.run_coverage,
    nodes.patches_status, nodes.account_id, nodes.account_name, nodes.region, nodes.listing_status,
    nodes.instance_id, nodes.computer_name, nodes.platform_type, nodes.platform_name, nodes.platform_version,
    nodes.patch_group, nodes.baseline_id,
    judged.clock, known.line, known.kb_id, known.title,
    CASE WHEN nodes.has_severities THEN coalesce(judged.severity_rank, 0) ELSE 0 END AS severity_rank,
    judged.opened_at, judged.last_open_at, run.run_id AS last_open_run_id, judged.ended_at,
    CASE
      WHEN judged.ended_at IS NOT NULL AND judged.ends_with_line = 1 THEN 'REMEDIATED'
      WHEN judged.ended_at IS NOT NULL THEN 'REPLACED'
      WHEN nodes.is_gone THEN 'NODE_GONE'
      WHEN judged.is_absent THEN 'RESCOPED'
      ELSE 'OPEN'
    END AS outcome,
    judged.days_unseen_before
  FROM judged
  JOIN nodes ON nodes.node = judged.node
  JOIN numbered_patches AS known ON known.patch = judged.patch
  JOIN numbered_runs AS run ON run.run = judged.last_open_run
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
