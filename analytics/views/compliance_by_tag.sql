-- Question: How compliant are the nodes of each owner, environment or other tag?
-- Rows: one per tag key and value among the latest known nodes, and for each key one for the nodes without such a tag,
--   one for those whose tags are not known and one for those that are not EC2 instances.
-- Columns:
--   tag_key: As in node_tags; NULL if the newest published run saw no tag.
--   tag_status: READ for a value. NO_TAG: nodes without a tag with the key. NOT_READ: nodes whose tags are not known.
--     NOT_EC2: nodes that are not EC2 instances.
--   tag_value: The value, which may be empty; NULL unless READ.
--   nodes_listed: Nodes that the newest published run listed.
--   nodes_compliant: Nodes that are COMPLIANT.
--   nodes_non_compliant: Nodes that are NON_COMPLIANT.
--   nodes_unknown: Nodes that are UNKNOWN, for any reason.
--   nodes_unread: Nodes of targets that were not read or are no longer planned, as last listed.
--   nodes_unplaced: Nodes whose tags are not known, or that are rows without an id. They may have any value of the key,
--     or none, so every lower bound counts them.
--   compliant_percent: nodes_compliant as a percentage of nodes_listed, UNKNOWN nodes included, rounded down to one
--     decimal place, so 100 means all nodes. NULL if no node is listed.
--   compliant_percent_lower_bound: The same, but the denominator counts every node that may belong to the row: the last
--     known nodes of targets that were not read or are no longer planned, and nodes_unplaced. NULL for NOT_READ, if no
--     key is known, and if no run in the window has listed one of these targets: then no bound is known.
-- Caveats:
--   - A node is in one row per key. Add up the rows of one key only.
--   - Tags come from the newest published run. If that run did not read a node's tags, they are not known, whatever
--     they were before.
WITH elsewhere AS (
  /* Unread targets that no run of the window has listed may hold nodes of any kind: then no row has a bound. */
  SELECT
    count_if(last_known_nodes IS NULL) AS targets_never_read,
    coalesce(sum(last_known_rows_without_id), 0) AS rows_without_id
  FROM target_listings
  WHERE is_latest AND is_active
),
figures AS (
  SELECT
    run_id, run_at, run_date, run_status, run_age_hours, run_coverage,
    tag_key, tag_status, tag_value,
    count(*) AS nodes,
    count_if(is_read) AS nodes_listed,
    count_if(compliance_status = 'COMPLIANT') AS nodes_compliant,
    count_if(compliance_status = 'NON_COMPLIANT') AS nodes_non_compliant,
    count_if(is_read AND compliance_status = 'UNKNOWN') AS nodes_unknown,
    count_if(NOT is_read) AS nodes_unread,
    sum(count_if(tag_status = 'NOT_READ')) OVER (PARTITION BY tag_key) AS nodes_not_read
  FROM node_tags
  GROUP BY run_id, run_at, run_date, run_status, run_age_hours, run_coverage, tag_key, tag_status, tag_value
),
placed AS (
  SELECT
    figures.run_id, figures.run_at, figures.run_date, figures.run_status, figures.run_age_hours, figures.run_coverage,
    figures.tag_key, figures.tag_status, figures.tag_value,
    figures.nodes, figures.nodes_listed, figures.nodes_compliant, figures.nodes_non_compliant, figures.nodes_unknown,
    figures.nodes_unread,
    elsewhere.targets_never_read,
    /* Nodes whose tags are not known are EC2 instances. */
    CASE WHEN figures.tag_status = 'NOT_EC2' THEN 0 ELSE figures.nodes_not_read END + elsewhere.rows_without_id
      AS nodes_unplaced
  FROM figures
  CROSS JOIN elsewhere
)
SELECT
  run_id,
  run_at,
  run_date,
  run_status,
  run_age_hours,
  run_coverage,
  tag_key,
  tag_status,
  tag_value,
  nodes_listed,
  nodes_compliant,
  nodes_non_compliant,
  nodes_unknown,
  nodes_unread,
  nodes_unplaced,
  floor(CAST(nodes_compliant AS double) * 1000 / nullif(nodes_listed, 0)) / 10 AS compliant_percent,
  CASE
    WHEN targets_never_read = 0 AND tag_key IS NOT NULL AND tag_status <> 'NOT_READ'
      THEN floor(CAST(nodes_compliant AS double) * 1000 / (nodes + nodes_unplaced)) / 10
  END AS compliant_percent_lower_bound
FROM placed
