"""The limits of a policy in an answer: bad rows, tags that the run did not read, deadlines beyond the history."""

from collections.abc import Collection

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.policy import POLICY_TABLES
from patchlake_cli.lake.source_gaps import gaps_of_source, relations_below


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
    [(bad,)] = lake.query("SELECT count(*) FROM policy_problems").rows
    if bad:
        rows = "1 row of the policy is" if bad == 1 else f"{bad:,} rows of the policy are"
        found.append(f"{rows} bad and cannot be used: policy_problems says why")
    [(by_tag,)] = lake.query(
        "SELECT (SELECT count(*) FROM sla_rows WHERE problem IS NULL AND tag_key <> '') "
        "+ (SELECT count(*) FROM exception_rows WHERE problem IS NULL AND tag_key <> '')"
    ).rows
    if by_tag and "policy_tags" in below:
        found += gaps_of_source(lake, "tags", several=False)
    return found


def find_policy_notes(lake: Lake, relations: Collection[str]) -> list[str]:
    """Return a sentence about the deadlines beyond the history, whose passing no age can show.

    Args:
        lake: the lake that answers.
        relations: the tables and views that the statement names.

    Raises:
        LakeError: a file cannot be read.
    """
    if not _reads_policy(relations_below(relations)):
        return []
    days = lake.settings.history_days
    [(longer,)] = lake.query("SELECT count(*) FROM sla_rows WHERE deadline_days > ?", [str(days)]).rows
    if not longer:
        return []
    rows = "1 deadline of the policy is" if longer == 1 else f"{longer:,} deadlines of the policy are"
    return [f"{rows} longer than {days} days: no age can be seen beyond the history (--history-days)"]


def _reads_policy(below: Collection[str]) -> bool:
    return not {table.name for table in POLICY_TABLES}.isdisjoint(below)
