-- Question: Which state is each node of the newest published run in?
-- Rows: one per node of the newest published run, with every column of node_compliance.
-- Caveats:
--   - Where targets were not read (run_coverage), their nodes are not here: they are unknown, never yesterday's value.
--   - If there are no rows, the window has no snapshot: latest_run says since when.
SELECT
  run_id, run_at, run_date,
  account_id, region, instance_id,
  ping_status, last_ping_date_time, agent_version, is_latest_version, platform_type, platform_name, platform_version,
  activation_id, iam_role, registration_date, resource_type, name, ip_address, computer_name, association_status,
  last_association_execution_date, last_successful_association_execution_date, source_id, source_type,
  collection_status, collection_detail, collected_at,
  patch_group, baseline_id, snapshot_id, install_override_list, owner_information, installed_count,
  installed_other_count, installed_pending_reboot_count, installed_rejected_count, missing_count, failed_count,
  unreported_not_applicable_count, not_applicable_count, available_security_update_count, operation_start_time,
  operation_end_time, operation, last_no_reboot_install_operation_time, reboot_option, critical_non_compliant_count,
  security_non_compliant_count, other_non_compliant_count,
  run_status, run_age_hours, run_coverage, compliance_status, unknown_reason, is_stale, scan_age_days,
  has_unapproved_security_updates, policy_version, scan_max_age_days
FROM node_compliance
WHERE is_latest
