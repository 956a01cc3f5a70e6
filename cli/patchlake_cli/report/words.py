"""Explanations of the statuses and reasons in the views."""

from patchlake.core.counts import counted
from patchlake.core.statuses import COLLECTION, LISTING, CollectionStatus, ListingStatus

OLD_HOURS = 48
"""The age from which a snapshot is old."""

UNREAD_TARGETS: dict[str, str] = {
    status: explanation.sentence for status, explanation in LISTING.items() if explanation.fix
}
"""The reasons why the nodes of a target are not known."""

UNKNOWN_NODES: dict[str, str] = {
    **{
        status: explanation.sentence
        for status, explanation in COLLECTION.items()
        if status is not CollectionStatus.COLLECTED
    },
    "STALE_SCAN": "The last scan is too old.",
    "SCAN_TIME_INVALID": "The time of the last scan is impossible or could not be read, so its age is unknown.",
    "COUNT_ABSENT": "SSM did not report one of the counts that decide compliance.",
}
"""The reasons why the compliance of a listed node is not known."""

CHANGES = {
    "NEWLY_NON_COMPLIANT": "It was compliant.",
    "BECAME_UNKNOWN": "Its state was known and is now unknown.",
    "VANISHED": "Its target was read, and no longer lists it.",
    "NEW": "Its target did not list it before.",
    "BECAME_KNOWN": "Its state was unknown.",
    "REMEDIATED": "It was non-compliant and is now compliant.",
}
"""The kinds of change of a node, worst first."""

_PATCH_GAPS = {
    "NOT_ASKED": "The run did not read patches.",
    "UNPUBLISHED": "The table of patches does not have the rows that the run counted.",
    "TARGET_NOT_PLANNED": "Earlier runs covered the target, and this run did not plan it.",
    **{reason: UNKNOWN_NODES[reason] for reason in ("NO_PATCH_STATE", "STALE_SCAN", "SCAN_TIME_INVALID")},
    "COUNTS_DIFFER": "SSM's patches of the node do not match its own counts.",
}


def patch_gap(reason: str) -> str:
    """Return the explanation of a reason in ``patches_not_known``: a status, a parent and its status, or an error."""
    parent, _, status = reason.partition(": ")
    if reason in _PATCH_GAPS:
        return _PATCH_GAPS[reason]
    if parent == "nodes":
        return LISTING[ListingStatus(status)].sentence if status in LISTING else "A row of the listing has no id."
    if parent == "patch_states":
        return f"The patch state of a node is not known. {UNKNOWN_NODES.get(status, '')}".strip()
    return "A value of a patch broke this rule." if status else "SSM did not answer about patches, for this reason."


MANAGEMENT = {
    "NOT_MANAGED": "It is running, but Systems Manager does not list it.",
    "UNKNOWN": "It is not known whether Systems Manager manages it.",
    "STARTING": "It was launched less than an hour before Systems Manager listed the nodes, or later.",
    "STOPPED": "It is stopped, and Systems Manager does not list it.",
    "SERVICE_MANAGED": "An AWS service operates it.",
    "MANAGED": "Systems Manager lists it as a node.",
    "TERMINATED": "It is terminated.",
}
"""The ways in which an EC2 instance is managed, those to look at first."""

FLEET_UNKNOWN = {
    "INSTANCES_NOT_ASKED": "this run did not read EC2 instances",
    "INSTANCES_UNPUBLISHED": "the table of instances does not have the rows that the run counted",
    "INSTANCES_NOT_READ": "not all EC2 instances could be read",
    "NODES_NOT_READ": "not all nodes were read",
}
"""The reasons why the number of unmanaged instances is not known."""

OVERDUE_UNKNOWN = {
    "NOT_ASKED": "this run did not read patches",
    "UNPUBLISHED": "the table of patches does not have the rows that the run counted",
}
"""The reasons why the number of overdue lines is not known, by the status of the run's patches."""

TAG_STATUS = {
    "NO_TAG": "(no such tag)",
    "NOT_READ": "(tags not read)",
    "NOT_EC2": "(not in EC2)",
}
"""The names of the rows of nodes without a known value of a tag."""


SCOPES = {"ACCOUNT": "Account", "PATCH_GROUP": "Patch group", "TAG": "Tag"}
"""The names of the parts of the fleet that have a scorecard."""

BREACH_REASONS = {
    "NOT_READ": "the run did not see whether it is still open",
    "DEADLINE_NOT_KNOWN": "its severity or a tag is not known, so a longer deadline may apply",
    "AGE_NOT_KNOWN": "the history does not show how long it has been open",
}
"""The reasons why a line of patches is only possibly overdue."""


def age_in_words(hours: int) -> str:
    """Return an age in hours, or in days once it is old."""
    if hours < OLD_HOURS:
        return counted(hours, "hour")
    return f"{hours // 24} days"
