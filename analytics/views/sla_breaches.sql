-- Question: Which lines of patches are past their deadline, which may be, and which of these have an exception?
-- Rows: one per node and line that is OPEN and past its deadline, or may be.
-- Columns:
--   patches_status: As in runs, for the newest run.
--   account_id: The account of the node.
--   account_name: As in patch_clocks.
--   region: The region of the node.
--   listing_status: As in known_targets, in the newest run.
--   instance_id: The node.
--   severity_rank: As in patch_clocks.
--   breach_status: The first value that applies. EXCEPTED: exceptions cover every open patch of the line on run_date.
--     EXCEPTION_EXPIRED: they once did, but no longer do. OVERDUE and POSSIBLY_OVERDUE: as in overdue_status.
--   overdue_status: The same, but without exceptions. OVERDUE: the newest run saw the line open, and every deadline
--     that may apply has passed. POSSIBLY_OVERDUE: any other line whose strictest deadline has passed, or may have.
--   reason: Why it is POSSIBLY_OVERDUE: the first reason that applies, NULL otherwise. NOT_READ: the newest run did not
--     see whether the line is still open. DEADLINE_NOT_KNOWN: the strictest deadline has passed, but tags that were not
--     read, or a severity without a rank, may allow a longer one. AGE_NOT_KNOWN: the history does not show for how long
--     it has been open.
--   strictest_days: As in sla_deadlines.
--   longest_days: As in sla_deadlines.
--   excepted_until: The last day on which exceptions cover every open patch of the line; NULL if they never did.
-- Caveats:
--   - An exception never makes a node compliant, and changes no compliance figure.
--   - An exception for a CVE covers a patch only if at least one CVE of the patch is known, and every known one is
--     exempt. An exception for a tag covers only a node whose tag the newest run read. If tags or CVEs are not read, a
--     line that is EXCEPTED becomes OVERDUE or POSSIBLY_OVERDUE.
--   - A deadline has passed when days_open exceeds its days.
--   - The age is that of the line: a cumulative update that replaces another one does not reset it.
--   - The caveats of patch_clocks apply.
WITH overdue AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage, patches_status,
    account_id, account_name, region, listing_status, instance_id, computer_name,
    platform_type, platform_name, platform_version, patch_group, baseline_id,
    line, severity, severity_rank, is_confirmed, opened_at, last_open_at,
    days_open, is_lower_bound, most_days_open, strictest_days, longest_days,
    CASE
      WHEN NOT is_confirmed THEN 'NOT_READ'
      WHEN days_open > longest_days THEN NULL
      WHEN days_open > strictest_days THEN 'DEADLINE_NOT_KNOWN'
      ELSE 'AGE_NOT_KNOWN'
    END AS reason
  FROM line_deadlines
  WHERE outcome = 'OPEN'
    AND (days_open > strictest_days OR most_days_open IS NULL OR most_days_open > strictest_days)
),
/* By patch, and by CVE where an exception names one. Athena computes the clocks again wherever they are named: only here. */
exceptions_of_patches AS (
  SELECT
    patch.account_id, patch.region, patch.instance_id, patch.line, patch.kb_id, patch.title,
    coalesce(upper(rule.cve_id), '') AS cve,
    max(CASE
      WHEN (rule.tag_key = '' OR tag.value IS NOT NULL) AND (rule.cve_id = '' OR resolved.cve IS NOT NULL)
        THEN rule.expires_on
    END) AS expires_on
  FROM patch_age AS patch
  LEFT JOIN exception_rows AS rule
    ON rule.problem IS NULL
    AND rule.approved_on <= patch.run_date
    /* An exception that ended before the patch opened never covered it. */
    AND rule.expires_on >= CAST(CAST(patch.opened_at AS date) AS varchar)
    AND rule.account IN ('', patch.account_id)
    AND rule.instance IN ('', patch.instance_id)
    AND upper(rule.kb_id) IN ('', upper(patch.kb_id))
  LEFT JOIN policy_tags AS tag
    ON tag.account_id = patch.account_id
    AND tag.region = patch.region
    AND tag.instance_id = patch.instance_id
    AND tag.key = rule.tag_key
    AND tag.value = rule.tag_value
  LEFT JOIN patch_cves AS resolved
    ON resolved.kb_id = patch.kb_id AND resolved.title = patch.title AND resolved.cve = upper(rule.cve_id)
  WHERE patch.outcome = 'OPEN'
  GROUP BY
    patch.account_id, patch.region, patch.instance_id, patch.line, patch.kb_id, patch.title,
    coalesce(upper(rule.cve_id), '')
),
numbers_of_cves AS (
  SELECT kb_id, title, count(*) AS cves
  FROM patch_cves
  GROUP BY kb_id, title
),
covered AS (
  SELECT
    excepted.account_id, excepted.region, excepted.instance_id, excepted.line, excepted.kb_id, excepted.title,
    max(CASE WHEN excepted.cve = '' THEN excepted.expires_on END) AS patch_until,
    CASE
      WHEN count(CASE WHEN excepted.cve <> '' THEN excepted.expires_on END) = max(known.cves)
        THEN min(CASE WHEN excepted.cve <> '' THEN excepted.expires_on END)
    END AS cves_until
  FROM exceptions_of_patches AS excepted
  LEFT JOIN numbers_of_cves AS known ON known.kb_id = excepted.kb_id AND known.title = excepted.title
  GROUP BY
    excepted.account_id, excepted.region, excepted.instance_id, excepted.line, excepted.kb_id, excepted.title
),
excepted_lines AS (
  SELECT
    account_id, region, instance_id, line,
    CASE
      WHEN count(coalesce(patch_until, cves_until)) = count(*)
        THEN min(CASE WHEN cves_until > coalesce(patch_until, '') THEN cves_until ELSE patch_until END)
    END AS excepted_until
  FROM covered
  GROUP BY account_id, region, instance_id, line
)
SELECT
  overdue.run_id,
  overdue.run_at,
  overdue.run_date,
  overdue.run_status,
  overdue.run_age_hours,
  overdue.run_coverage,
  overdue.patches_status,
  overdue.account_id,
  overdue.account_name,
  overdue.region,
  overdue.listing_status,
  overdue.instance_id,
  overdue.computer_name,
  overdue.platform_type,
  overdue.platform_name,
  overdue.platform_version,
  overdue.patch_group,
  overdue.baseline_id,
  overdue.line,
  overdue.severity,
  overdue.severity_rank,
  CASE
    WHEN excepted_lines.excepted_until >= overdue.run_date THEN 'EXCEPTED'
    WHEN excepted_lines.excepted_until IS NOT NULL THEN 'EXCEPTION_EXPIRED'
    WHEN overdue.reason IS NULL THEN 'OVERDUE'
    ELSE 'POSSIBLY_OVERDUE'
  END AS breach_status,
  CASE WHEN overdue.reason IS NULL THEN 'OVERDUE' ELSE 'POSSIBLY_OVERDUE' END AS overdue_status,
  overdue.reason,
  overdue.is_confirmed,
  overdue.opened_at,
  overdue.last_open_at,
  overdue.days_open,
  overdue.is_lower_bound,
  overdue.most_days_open,
  overdue.strictest_days,
  overdue.longest_days,
  excepted_lines.excepted_until
FROM overdue
LEFT JOIN excepted_lines
  ON excepted_lines.account_id = overdue.account_id
  AND excepted_lines.region = overdue.region
  AND excepted_lines.instance_id = overdue.instance_id
  AND excepted_lines.line = overdue.line
