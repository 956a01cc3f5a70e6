-- Question: How did compliance and overdue patches change in the fleet, each account, each patch group and each tag
--   value?
-- Rows: one per UTC date in the window with a published run (the last one of the date), and row of scorecards that had
--   a node on that date.
-- Columns:
--   scope: As in scopes.
--   account_id: The account of an ACCOUNT; NULL otherwise.
--   patch_group: The patch group of a PATCH_GROUP; NULL if the run does not show it, and for the other scopes.
--   tag_key: The key of a TAG; NULL otherwise.
--   tag_status: For a TAG, as in node_tags, by the tags of the newest published run; NULL otherwise.
--   tag_value: The value of a TAG, which may be empty; NULL unless READ.
--   nodes_listed: Nodes that the run listed; NULL if it read no target of the scope.
--   nodes_compliant: Nodes that were COMPLIANT.
--   nodes_non_compliant: Nodes that were NON_COMPLIANT.
--   nodes_unknown: Nodes that were UNKNOWN, for any reason.
--   compliant_percent: For the FLEET and an ACCOUNT, nodes_compliant as a percentage of nodes_listed, rounded down to
--     one decimal place; NULL if no node is listed, and for the other scopes, since it is not reliably known which
--     nodes were in them on an earlier day.
--   compliant_percent_lower_bound: The same, but the denominator also counts rows without an id and the last known
--     nodes of targets that were not read or are no longer planned; NULL if their number is not known, and for the
--     other scopes.
--   lines_overdue: Lines that were seen open on this date or later, and whose deadlines had all passed by this date: a
--     lower bound that includes exempt lines. NULL if the newest run did not read patches, and if no line is known and
--     the run of the date read no node that is COMPLIANT or whose patches it read.
-- Caveats:
--   - lines_overdue is a lower bound if no line was resolved and opened again while no run read it: see patch_clocks.
--   - A date without a published run has no row: nothing is carried over from the day before.
--   - Deadlines come from today's policy, and tags from the newest published run: this is the trend of today's fleet.
WITH nodes AS (
  SELECT
    node.run_id, scopes.scope,
    CASE scopes.scope WHEN 'PATCH_GROUP' THEN node.patch_group END AS patch_group,
    scopes.tag_key,
    CASE
      WHEN scopes.scope = 'TAG' THEN CASE WHEN node.is_ec2 THEN coalesce(tag.tag_status, 'NOT_READ') ELSE 'NOT_EC2' END
    END AS tag_status,
    tag.tag_value,
    count(*) AS nodes_listed,
    count_if(node.compliance_status = 'COMPLIANT') AS nodes_compliant,
    count_if(node.compliance_status = 'NON_COMPLIANT') AS nodes_non_compliant,
    count_if(node.compliance_status = 'UNKNOWN') AS nodes_unknown
  FROM node_compliance AS node
  JOIN runs ON runs.run_id = node.run_id AND runs.run_date = node.run_date AND runs.is_last_of_date
  JOIN scopes ON scopes.scope IN ('PATCH_GROUP', 'TAG')
  LEFT JOIN node_tags AS tag
    ON tag.tag_key = scopes.tag_key
    AND tag.account_id = node.account_id
    AND tag.region = node.region
    AND tag.instance_id = node.instance_id
  GROUP BY
    node.run_id, scopes.scope, CASE scopes.scope WHEN 'PATCH_GROUP' THEN node.patch_group END, scopes.tag_key,
    CASE
      WHEN scopes.scope = 'TAG' THEN CASE WHEN node.is_ec2 THEN coalesce(tag.tag_status, 'NOT_READ') ELSE 'NOT_EC2' END
    END,
    tag.tag_value
),
targets AS (
  SELECT
    target.run_id, fixed.scope, CASE fixed.scope WHEN 'ACCOUNT' THEN target.account_id END AS account_id,
    sum(target.nodes_listed) AS nodes_listed,
    sum(target.nodes_compliant) AS nodes_compliant,
    sum(target.nodes_non_compliant) AS nodes_non_compliant,
    sum(target.nodes_unknown) AS nodes_unknown,
    CASE WHEN count(target.nodes_bound) = count(*) THEN sum(target.nodes_bound) END AS nodes_bound,
    count_if(target.is_active AND (target.nodes_listed IS NULL OR target.nodes_bound > 0)) = 0 AS is_empty
  FROM target_compliance AS target
  JOIN runs ON runs.run_id = target.run_id AND runs.run_date = target.run_date AND runs.is_last_of_date
  CROSS JOIN (VALUES ('FLEET'), ('ACCOUNT')) AS fixed (scope)
  GROUP BY target.run_id, fixed.scope, CASE fixed.scope WHEN 'ACCOUNT' THEN target.account_id END
),
overdue AS (
  SELECT
    runs.run_id, scopes.scope,
    CASE scopes.scope WHEN 'ACCOUNT' THEN line.account_id END AS account_id,
    CASE scopes.scope WHEN 'PATCH_GROUP' THEN line.patch_group END AS patch_group,
    scopes.tag_key,
    CASE
      WHEN scopes.scope = 'TAG'
        THEN CASE WHEN line.instance_id LIKE 'i-%' THEN coalesce(tag.tag_status, 'NOT_READ') ELSE 'NOT_EC2' END
    END AS tag_status,
    tag.tag_value
  FROM line_deadlines AS line
  JOIN runs
    ON runs.is_last_of_date
    AND runs.run_date <= CAST(CAST(CASE WHEN line.is_confirmed THEN line.run_at ELSE line.last_open_at END AS date) AS varchar)
    AND date_diff('day', CAST(line.opened_at AS date), CAST(runs.run_at AS date)) > line.longest_days
  CROSS JOIN scopes
  LEFT JOIN node_tags AS tag
    ON tag.tag_key = scopes.tag_key
    AND tag.account_id = line.account_id
    AND tag.region = line.region
    AND tag.instance_id = line.instance_id
),
parts AS (
  SELECT
    run_id, scope, account_id, CAST(NULL AS varchar) AS patch_group, CAST(NULL AS varchar) AS tag_key,
    CAST(NULL AS varchar) AS tag_status, CAST(NULL AS varchar) AS tag_value,
    nodes_listed, nodes_compliant, nodes_non_compliant, nodes_unknown, nodes_bound, is_empty, 0 AS lines_overdue
  FROM targets
  UNION ALL
  SELECT
    run_id, scope, CAST(NULL AS varchar) AS account_id, patch_group, tag_key, tag_status, tag_value,
    nodes_listed, nodes_compliant, nodes_non_compliant, nodes_unknown,
    CAST(NULL AS bigint) AS nodes_bound, false AS is_empty, 0 AS lines_overdue
  FROM nodes
  UNION ALL
  SELECT
    run_id, scope, account_id, patch_group, tag_key, tag_status, tag_value,
    CAST(NULL AS bigint) AS nodes_listed, CAST(NULL AS bigint) AS nodes_compliant,
    CAST(NULL AS bigint) AS nodes_non_compliant, CAST(NULL AS bigint) AS nodes_unknown,
    CAST(NULL AS bigint) AS nodes_bound, false AS is_empty, 1 AS lines_overdue
  FROM overdue
),
figures AS (
  SELECT
    run_id, scope, account_id, patch_group, tag_key, tag_status, tag_value,
    max(nodes_listed) AS nodes_listed,
    max(nodes_compliant) AS nodes_compliant,
    max(nodes_non_compliant) AS nodes_non_compliant,
    max(nodes_unknown) AS nodes_unknown,
    max(nodes_bound) AS nodes_bound,
    count_if(is_empty) > 0 AS is_empty,
    sum(lines_overdue) AS lines_overdue
  FROM parts
  GROUP BY run_id, scope, account_id, patch_group, tag_key, tag_status, tag_value
)
SELECT
  runs.run_id,
  runs.run_at,
  runs.run_date,
  runs.run_status,
  runs.run_age_hours,
  runs.run_coverage,
  figures.scope,
  figures.account_id,
  figures.patch_group,
  figures.tag_key,
  figures.tag_status,
  figures.tag_value,
  figures.nodes_listed,
  figures.nodes_compliant,
  figures.nodes_non_compliant,
  figures.nodes_unknown,
  CASE
    WHEN figures.scope IN ('FLEET', 'ACCOUNT')
      THEN floor(CAST(figures.nodes_compliant AS double) * 1000 / nullif(figures.nodes_listed, 0)) / 10
  END AS compliant_percent,
  floor(CAST(coalesce(figures.nodes_compliant, 0) AS double) * 1000 / nullif(figures.nodes_bound, 0)) / 10
    AS compliant_percent_lower_bound,
  CASE
    WHEN newest.patches_status IN ('COMPLETE', 'PARTIAL') AND (
      figures.lines_overdue > 0
      OR runs.patches_status IN ('COMPLETE', 'PARTIAL') AND (figures.is_empty OR figures.nodes_compliant > 0)
      OR runs.patches_status = 'COMPLETE' AND figures.nodes_non_compliant > 0
    ) THEN figures.lines_overdue
  END AS lines_overdue
FROM figures
JOIN runs ON runs.run_id = figures.run_id
CROSS JOIN latest_run AS newest
