"""Explanations of the statuses and reasons in the views."""

from patchlake.core.statuses import COLLECTION, LISTING, CollectionStatus, ListingStatus

UNREAD_TARGETS = {status: explanation.sentence for status, explanation in LISTING.items() if explanation.fix}
"""The reasons why the nodes of a target are not known."""

UNKNOWN_NODES: dict[str, str] = {
    **{
        status: explanation.sentence
        for status, explanation in COLLECTION.items()
        if status is not CollectionStatus.COLLECTED
    },
    "STALE_SCAN": "The last scan is too old.",
    "SCAN_TIME_INVALID": "The time of the last scan is not possible, so its age is unknown.",
    "COUNT_ABSENT": "SSM did not report one of the counts that decide compliance.",
}
"""The reasons why the compliance of a listed node is not known."""

CHANGES = {
    "NEWLY_NON_COMPLIANT": "It was compliant.",
    "BECAME_UNKNOWN": "Its state was known, and is now unknown.",
    "VANISHED": "Its target was read, and no longer lists it.",
    "NEW": "Its target did not list it before.",
    "BECAME_KNOWN": "Its state was unknown.",
    "REMEDIATED": "It was non-compliant and is compliant.",
}
"""The kinds of change of a node, worst first."""

_PATCH_GAPS = {
    "NOT_ASKED": "The run did not read patches.",
    "UNPUBLISHED": "The table of patches is not there in full.",
    "TARGET_NOT_PLANNED": "Earlier runs covered the target, and this run did not plan it.",
    **{reason: UNKNOWN_NODES[reason] for reason in ("NO_PATCH_STATE", "STALE_SCAN", "SCAN_TIME_INVALID")},
    "COUNTS_DIFFER": "SSM's patches of the node are not those that its own counts say.",
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
