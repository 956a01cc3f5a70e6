-- Question: What is the state of each node by the one published rule, in every run that wrote one?
-- Rows: one per node and run in the window, published or not, with every column of patch_states.
-- Columns:
--   compliance_status: The first value that applies. NON_COMPLIANT: a state was collected, and any of the seven counts
--     (missing, failed, installed_rejected, installed_pending_reboot, critical_, security_ and other_non_compliant) is
--     above 0, however old the scan. UNKNOWN: see unknown_reason. COMPLIANT: none of these.
--   unknown_reason: Why a node is UNKNOWN: the first reason that applies, NULL otherwise. NOT_COLLECTED,
--     INVALID_RESPONSE, NO_PATCH_STATE: as collection_status says. SCAN_TIME_INVALID: the last operation ended before
--     SSM existed, before it started, or more than a day after SSM answered; or one of its times could not be read.
--     STALE_SCAN: it ended more than scan_max_age_days before SSM answered. COUNT_ABSENT: one of the seven counts is
--     missing.
--   is_stale: Whether the last operation ended more than scan_max_age_days before SSM answered; may be true for
--     NON_COMPLIANT nodes too. NULL without a patch state.
--   scan_age_days: Days from the end of the last operation to SSM's answer, by UTC date; NULL without a patch state or
--     if the scan time is invalid.
--   has_unapproved_security_updates: Windows only: whether security updates are available that the baseline has not
--     approved. It does not affect compliance_status.
--   is_platform_known: Whether all three columns of the platform were read. It is also false if SSM left one out or sent
--     a blank one, since every node has a platform.
--   has_severities: Whether what SSM reports as the severities of the node's patches are really severities: false for
--     Ubuntu and Debian, where they are package priorities. NULL if it is not known which platform the node has.
--   is_ec2: Whether its id is that of an EC2 instance, which begins with i-. EC2 has no instance or tags for any other
--     id, such as that of a hybrid node (mi-).
--   policy_version: The version of this rule, which is raised when the rule changes.
--   scan_max_age_days: The maximum age of a scan, in days: a parameter of the stack.
-- Caveats:
--   - This view includes unpublished runs: join covered_runs or target_listings. node_compliance has only published
--     runs.
--   - The caveats of node_compliance apply.
WITH timed AS (
  SELECT
    run_id, run_at, run_date,
    account_id, region, instance_id,
    ${NodeColumns},
    collection_status, collection_detail, collected_at,
    ${PatchStateColumns},
    coalesce(
      operation_end_time >= TIMESTAMP '2000-01-01 00:00:00'
        AND operation_end_time <= collected_at + INTERVAL '1' DAY
        AND coalesce(
          operation_start_time <= operation_end_time, coalesce(collection_detail, '') NOT LIKE '%OperationStartTime%'
        ),
      false
    ) AS is_scan_time_known
  FROM recent_patch_states
),
judged AS (
  SELECT
    state.run_id, state.run_at, state.run_date,
    state.account_id, state.region, state.instance_id,
    state.${NodeColumns},
    state.collection_status, state.collection_detail, state.collected_at,
    state.${PatchStateColumns},
    state.is_scan_time_known,
    state.collection_status = 'COLLECTED' AND (
      state.missing_count > 0
      OR state.failed_count > 0
      OR state.installed_rejected_count > 0
      OR state.installed_pending_reboot_count > 0
      OR state.critical_non_compliant_count > 0
      OR state.security_non_compliant_count > 0
      OR state.other_non_compliant_count > 0
    ) AS is_non_compliant,
    /* NULL only where everything is known to be good. */
    CASE
      WHEN state.collection_status IS DISTINCT FROM 'COLLECTED' THEN coalesce(state.collection_status, 'INVALID_RESPONSE')
      WHEN NOT state.is_scan_time_known THEN 'SCAN_TIME_INVALID'
      WHEN state.operation_end_time < state.collected_at - INTERVAL '${ScanMaxAgeDays}' DAY THEN 'STALE_SCAN'
      WHEN state.missing_count = 0
        AND state.failed_count = 0
        AND state.installed_rejected_count = 0
        AND state.installed_pending_reboot_count = 0
        AND state.critical_non_compliant_count = 0
        AND state.security_non_compliant_count = 0
        AND state.other_non_compliant_count = 0 THEN NULL
      ELSE 'COUNT_ABSENT'
    END AS doubt
  FROM timed AS state
)
SELECT
  run_id, run_at, run_date,
  account_id, region, instance_id,
  ${NodeColumns},
  collection_status, collection_detail, collected_at,
  ${PatchStateColumns},
  CASE WHEN is_non_compliant THEN 'NON_COMPLIANT' WHEN doubt IS NULL THEN 'COMPLIANT' ELSE 'UNKNOWN' END
    AS compliance_status,
  CASE WHEN is_non_compliant THEN NULL ELSE doubt END AS unknown_reason,
  operation_end_time < collected_at - INTERVAL '${ScanMaxAgeDays}' DAY AS is_stale,
  CASE WHEN is_scan_time_known THEN date_diff('day', CAST(operation_end_time AS date), CAST(collected_at AS date)) END
    AS scan_age_days,
  available_security_update_count > 0 AS has_unapproved_security_updates,
  coalesce(trim(platform_type) <> '' AND trim(platform_name) <> '' AND trim(platform_version) <> '', false)
    AS is_platform_known,
  CASE
    WHEN platform_name LIKE 'Ubuntu%' OR platform_name LIKE 'Debian%' THEN false
    WHEN trim(platform_name) <> '' OR platform_type IN ('Windows', 'MacOS') THEN true
  END AS has_severities,
  instance_id LIKE 'i-%' AS is_ec2,
  3 AS policy_version,
  ${ScanMaxAgeDays} AS scan_max_age_days
FROM judged
