-- Question: Within how many days must a node of certain tags be free of a line of a certain severity?
-- Rows: one per severity_rank and node that has a tag with a key of the policy, as the newest published run read it; and one
--   per severity_rank and kind of all other nodes.
-- Columns:
--   account_id: The account of the node; this and the next two are NULL for a kind of nodes.
--   region: The region of the node.
--   instance_id: The node.
--   tags: READ: the run read all tags of its target. NOT_READ: it did not. NOT_EC2: the node is no EC2 instance, and has no
--     tags.
--   severity_rank: As in severity_ranks, of the line; 0 where its severity is not known.
--   strictest_days: The fewest days that may apply, whatever the severity and the tags are that are not known.
--   longest_days: The most days that may apply; the same number where both are known.
-- Caveats:
--   - The most specific row of the policy applies: one with severity and tag, then with a tag, with a severity, with
--     neither; of several, the one with the fewest days. Without a row, the deadline of built_in_deadlines applies.
--   - If the policy has a bad row, every deadline is at most the built-in one.
--   - Where no instance of the run has a tag with the key, it counts as not read: the run may not have asked for it.
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
tag_keys AS (
  SELECT rules.tag_key, max(CASE WHEN tag.key IS NOT NULL THEN 1 ELSE 0 END) = 1 AS is_read
  FROM rules
  LEFT JOIN policy_tags AS tag ON tag.key = rules.tag_key
  WHERE rules.tag_key <> ''
  GROUP BY rules.tag_key
),
known_tags AS (
  SELECT
    tag.account_id, tag.region, tag.instance_id, tag.key, tag.value,
    tag.account_id || ' ' || tag.region || ' ' || tag.instance_id AS holder,
    CASE WHEN target.tags_status = 'COMPLETE' THEN 'READ' ELSE 'NOT_READ' END AS tags
  FROM policy_tags AS tag
  JOIN tag_keys ON tag_keys.tag_key = tag.key
  JOIN latest_coverage AS target ON target.account_id = tag.account_id AND target.region = tag.region
),
holders AS (
  SELECT DISTINCT holder, account_id, region, instance_id, tags FROM known_tags
  UNION ALL
  SELECT
    tags AS holder, CAST(NULL AS varchar) AS account_id, CAST(NULL AS varchar) AS region,
    CAST(NULL AS varchar) AS instance_id, tags
  FROM (VALUES ('READ'), ('NOT_READ'), ('NOT_EC2')) AS kinds (tags)
),
unread_keys AS (
  SELECT holders.holder, tag_keys.tag_key
  FROM holders
  CROSS JOIN tag_keys
  LEFT JOIN known_tags ON known_tags.holder = holders.holder AND known_tags.key = tag_keys.tag_key
  WHERE holders.tags <> 'NOT_EC2'
    AND known_tags.value IS NULL
    AND NOT (known_tags.holder IS NULL AND holders.tags = 'READ' AND tag_keys.is_read)
),
/* What may be true of the tags that were not read: that the node has none of them, or each one that the policy names. */
cases AS (
  SELECT holder, '' AS tag_key, '' AS tag_value FROM holders
  UNION ALL
  SELECT DISTINCT unread_keys.holder, rules.tag_key, rules.tag_value
  FROM unread_keys
  JOIN rules ON rules.tag_key = unread_keys.tag_key
),
matching AS (
  SELECT cases.holder, cases.tag_key, cases.tag_value, rules.severity_rank, rules.place
  FROM cases
  JOIN rules ON rules.tag_key IN ('', cases.tag_key) AND rules.tag_value IN ('', cases.tag_value)
  UNION ALL
  SELECT cases.holder, cases.tag_key, cases.tag_value, rules.severity_rank, rules.place
  FROM cases
  JOIN known_tags ON known_tags.holder = cases.holder
  JOIN rules ON rules.tag_key = known_tags.key AND rules.tag_value IN ('', known_tags.value)
),
first_places AS (
  SELECT
    cases.holder, built_in.severity_rank, built_in.days AS built_in_days,
    min(matching.place) AS place
  FROM cases
  CROSS JOIN built_in_deadlines AS built_in
  LEFT JOIN matching
    ON matching.holder = cases.holder
    AND matching.tag_key = cases.tag_key
    AND matching.tag_value = cases.tag_value
    AND coalesce(matching.severity_rank, built_in.severity_rank) = built_in.severity_rank
  GROUP BY cases.holder, cases.tag_key, cases.tag_value, built_in.severity_rank, built_in.days
),
of_policy AS (
  SELECT
    holder, severity_rank, built_in_days,
    CASE
      WHEN place >= 30000 THEN place - 30000
      WHEN place >= 20000 THEN place - 20000
      WHEN place >= 10000 THEN place - 10000
      ELSE place
    END AS policy_days
  FROM first_places
),
deadlines AS (
  SELECT
    of_policy.holder, of_policy.severity_rank,
    CASE
      WHEN of_policy.policy_days IS NULL THEN of_policy.built_in_days
      WHEN problems.bad_rows > 0 AND of_policy.built_in_days < of_policy.policy_days THEN of_policy.built_in_days
      ELSE of_policy.policy_days
    END AS days
  FROM of_policy
  CROSS JOIN problems
)
SELECT
  holders.account_id,
  holders.region,
  holders.instance_id,
  holders.tags,
  line.severity_rank,
  min(deadlines.days) AS strictest_days,
  max(deadlines.days) AS longest_days
FROM deadlines
JOIN holders ON holders.holder = deadlines.holder
/* A severity that is not known may be any of them, or none. */
JOIN built_in_deadlines AS line ON line.severity_rank IN (0, deadlines.severity_rank)
GROUP BY holders.account_id, holders.region, holders.instance_id, holders.tags, line.severity_rank
