"""The limits of a policy in an answer: bad rows, tags that the run did not read, and what has no effect."""

from collections.abc import Collection

from patchlake.adapters.one_line import one_line
from patchlake.core.counts import counted
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.policy import POLICY_TABLES, folder_of
from patchlake_cli.lake.source_gaps import gaps_of_source, relations_below

_TAGS_NAMED = 3
_UNSEEN_TAGS = """
    SELECT named.tag_key, named.tag_value
    FROM (
      SELECT tag_key, tag_value FROM sla_rows WHERE problem IS NULL AND tag_value <> ''
      UNION
      SELECT tag_key, tag_value FROM exception_rows WHERE problem IS NULL AND tag_value <> ''
    ) AS named
    JOIN latest_run ON latest_run.tags_status = 'COMPLETE'
    WHERE NOT EXISTS (SELECT 1 FROM latest_tags AS tag WHERE tag.key = named.tag_key AND tag.value = named.tag_value)
    ORDER BY named.tag_key, named.tag_value
"""


def find_policy_gaps(lake: Lake, relations: Collection[str]) -> list[str]:
    """Return a sentence for each reason why a statement does not answer by the whole policy.

    Args:
        lake: the lake that answers.
        relations: the tables and views that the statement names.

    Raises:
        LakeError: a file cannot be read.
    """
    below = relations_below(relations)
    if not _reads_policy(below):
        return []
    found = []
    [(bad,)] = lake.select("SELECT count(*) FROM policy_problems").rows
    if bad:
        rows = counted(bad, "row of the policy is", "rows of the policy are")
        found.append(f"{rows} bad and cannot be used: policy_problems says why")
    [(by_tag,)] = lake.select(
        "SELECT (SELECT count(*) FROM sla_rows WHERE problem IS NULL AND tag_key <> '') "
        "+ (SELECT count(*) FROM exception_rows WHERE problem IS NULL AND tag_key <> '')"
    ).rows
    if by_tag and "policy_tags" in below:
        found += gaps_of_source(lake, "tags", several=False)
    return found


def find_policy_notes(lake: Lake, relations: Collection[str]) -> list[str]:
    """Return a sentence about each part of the policy that has no effect: deadlines beyond the history, files, tags.

    Args:
        lake: the lake that answers.
        relations: the tables and views that the statement names.

    Raises:
        LakeError: a file cannot be read.
    """
    below = relations_below(relations)
    if not _reads_policy(below):
        return []
    found = []
    days = lake.settings.days_of_history
    [(longer,)] = lake.select("SELECT count(*) FROM sla_rows WHERE deadline_days > ?", [str(days)]).rows
    if longer:
        rows = counted(longer, "deadline of the policy is", "deadlines of the policy are")
        found.append(
            f"{rows} longer than {counted(days, 'day')}: no age can be seen beyond the history (--history-days)"
        )
    if unused := lake.unused_policy_files():
        places = " and ".join(f"{folder_of(table)}/" for table in POLICY_TABLES)
        others = f" and {len(unused) - 1:,} more" if len(unused) > 1 else ""
        found.append(
            f"not part of the policy: {unused[0]}{others}. Only files in {places} are, without _ or . before a name"
        )
    if "policy_tags" in below and (unseen := lake.select(_UNSEEN_TAGS).rows):
        named = ", ".join(one_line(f"{key}={value}", most=100) for key, value in unseen[:_TAGS_NAMED])
        others = f" and {len(unseen) - _TAGS_NAMED:,} more" if len(unseen) > _TAGS_NAMED else ""
        found.append(f"the policy names tags that no instance of the newest run has: {named}{others}")
    return found


def _reads_policy(below: Collection[str]) -> bool:
    return not {table.name for table in POLICY_TABLES}.isdisjoint(below)
