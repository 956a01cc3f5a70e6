"""Explanations of the statuses and reasons in the views."""

from patchlake.core.statuses import COLLECTION, LISTING, CollectionStatus

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
