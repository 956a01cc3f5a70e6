-- Question: Within how many days must a line of patches of a given severity be resolved on a node with given tags?
-- Rows: one per severity_rank and node that has a tag with a key of the policy, according to the newest published run;
--   and for all other nodes, one per severity_rank and kind of node.
-- Columns:
--   account_id: The account of the node; this and the next two are NULL for a kind of node.
--   region: The region of the node.
--   instance_id: The node.
--   tags: READ: the run read all tags of its target. NOT_READ: it did not. NOT_EC2: the node is not an EC2 instance,
--     and has no tags.
--   severity_rank: As in severity_ranks, for the line; 0 if its severity is not known.
--   strictest_days: The fewest days that may apply, given what is not known about severity and tags.
--   longest_days: The most days that may apply; the same number if both are known.
-- Caveats:
--   - The most specific row of the policy applies: one with severity and tag, then one with a tag, one with a severity,
--     one with neither; among several, the one with the fewest days. If there is none, the deadline in
--     built_in_deadlines applies.
--   - If the policy has a bad row, no deadline is longer than the built-in one.
--   - If no instance of the run has a tag with the key, the tag counts as not read: the run may not have asked for it.
WITH rules AS (
  SELECT
    severity_rank, tag_key, tag_value,
    /* The most specific first, then the fewest days. */
    deadline_days + CASE
      WHEN tag_key <> '' AND severity_rank IS NOT NULL THEN 0
      WHEN tag_key <> '' THEN 10000
      WHEN severity_rank IS NOT NULL THEN 20000
      ELSE 30000
    END AS place
  FROM sla_rows
  WHERE problem IS NULL
),
problems AS (
  SELECT count(*) AS bad_rows FROM sla_rows WHERE problem IS NOT NULL
),
/* The empty key is for deadlines that apply whatever the tags are. */
named AS (
  SELECT tag_key FROM rules
  UNION
  SELECT '' AS tag_key
),
nodes AS (
  SELECT
    tag.account_id, tag.region, tag.instance_id,
    CASE WHEN target.tags_status = 'COMPLETE' THEN 'READ' ELSE 'NOT_READ' END AS tags,
    tag.key, tag.value
  FROM policy_tags AS tag
  JOIN named ON named.tag_key = tag.key
  JOIN latest_coverage AS target ON target.account_id = tag.account_id AND target.region = tag.region
  UNION ALL
  SELECT
    CAST(NULL AS varchar) AS account_id, CAST(NULL AS varchar) AS region, CAST(NULL AS varchar) AS instance_id,
    tags, CAST(NULL AS varchar) AS key, CAST(NULL AS varchar) AS value
  FROM (VALUES ('READ'), ('NOT_READ'), ('NOT_EC2')) AS kinds (tags)
),
/* The tags are read once: each node, or kind of node, with each key. */
held AS (
  SELECT
    nodes.account_id, nodes.region, nodes.instance_id, nodes.tags, named.tag_key,
    max(CASE WHEN nodes.key = named.tag_key THEN nodes.value END) AS tag_value,
    count_if(nodes.key = named.tag_key) AS tags_of_key,
    sum(count_if(nodes.key = named.tag_key)) OVER (PARTITION BY named.tag_key) AS tags_of_key_everywhere
  FROM nodes
  CROSS JOIN named
  GROUP BY nodes.account_id, nodes.region, nodes.instance_id, nodes.tags, named.tag_key
),
judged AS (
  SELECT
    account_id, region, instance_id, tags, tag_key, tag_value,
    tag_key = '' OR tags_of_key > 0 AS is_there,
    tag_key <> ''
      AND tag_value IS NULL
      AND tags <> 'NOT_EC2'
      AND NOT (tags_of_key = 0 AND tags = 'READ' AND tags_of_key_everywhere > 0) AS is_unread
  FROM held
),
/* The possible values of a tag that was not read: those that the policy names. The certain case has no such value. */
cases AS (
  SELECT DISTINCT tag_key, tag_value, false AS is_certain
  FROM rules
  WHERE tag_key <> ''
  UNION ALL
  SELECT tag_key, CAST(NULL AS varchar) AS tag_value, true AS is_certain
  FROM named
),
first_places AS (
  SELECT
    judged.account_id, judged.region, judged.instance_id, judged.tags,
    cases.is_certain,
    CASE WHEN NOT cases.is_certain THEN cases.tag_key END AS tag_key,
    CASE WHEN NOT cases.is_certain THEN cases.tag_value END AS tag_value,
    built_in.severity_rank, built_in.days AS built_in_days,
    min(rules.place) AS place
  FROM judged
  JOIN cases
    ON cases.tag_key = judged.tag_key
    AND (cases.is_certain AND judged.is_there OR NOT cases.is_certain AND judged.is_unread)
  CROSS JOIN built_in_deadlines AS built_in
  LEFT JOIN rules
    ON rules.tag_key = judged.tag_key
    AND rules.tag_value IN ('', coalesce(cases.tag_value, judged.tag_value))
    AND coalesce(rules.severity_rank, built_in.severity_rank) = built_in.severity_rank
  GROUP BY
    judged.account_id, judged.region, judged.instance_id, judged.tags,
    cases.is_certain,
    CASE WHEN NOT cases.is_certain THEN cases.tag_key END,
    CASE WHEN NOT cases.is_certain THEN cases.tag_value END,
    built_in.severity_rank, built_in.days
),
/* In every case, what is certain applies too. */
places AS (
  SELECT
    account_id, region, instance_id, tags, severity_rank, built_in_days, place,
    min(CASE WHEN is_certain THEN place END) OVER (PARTITION BY account_id, region, instance_id, tags, severity_rank)
      AS certain_place
  FROM first_places
),
chosen AS (
  SELECT
    account_id, region, instance_id, tags, severity_rank, built_in_days,
    CASE WHEN place IS NULL OR certain_place < place THEN certain_place ELSE place END AS place
  FROM places
),
of_policy AS (
  SELECT
    account_id, region, instance_id, tags, severity_rank, built_in_days,
    CASE
      WHEN place >= 30000 THEN place - 30000
      WHEN place >= 20000 THEN place - 20000
      WHEN place >= 10000 THEN place - 10000
      ELSE place
    END AS policy_days
  FROM chosen
),
deadlines AS (
  SELECT
    of_policy.account_id, of_policy.region, of_policy.instance_id, of_policy.tags, of_policy.severity_rank,
    CASE
      WHEN of_policy.policy_days IS NULL THEN of_policy.built_in_days
      WHEN problems.bad_rows > 0 AND of_policy.built_in_days < of_policy.policy_days THEN of_policy.built_in_days
      ELSE of_policy.policy_days
    END AS days
  FROM of_policy
  CROSS JOIN problems
)
SELECT
  deadlines.account_id,
  deadlines.region,
  deadlines.instance_id,
  deadlines.tags,
  line.severity_rank,
  min(deadlines.days) AS strictest_days,
  max(deadlines.days) AS longest_days
FROM deadlines
/* A severity that is not known may be any of them, or none. */
JOIN built_in_deadlines AS line ON line.severity_rank IN (0, deadlines.severity_rank)
GROUP BY deadlines.account_id, deadlines.region, deadlines.instance_id, deadlines.tags, line.severity_rank
