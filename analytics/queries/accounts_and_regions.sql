-- Question 1: How compliant is each account, in each region?
-- Rows: one per target that the newest published run or an earlier one of the window planned: those without a
--   percentage first, then the least compliant.
-- Caveats:
--   - An unread target has a listing_status other than LISTED and NULL for every figure except the lower bound.
SELECT
  account_id,
  account_name,
  region,
  listing_status,
  nodes_listed,
  nodes_compliant,
  nodes_non_compliant,
  nodes_unknown,
  rows_without_id,
  compliant_percent,
  compliant_percent_lower_bound,
  run_id,
  run_status,
  run_age_hours,
  run_coverage
FROM compliance_by_target
ORDER BY compliant_percent NULLS FIRST, account_id, region
