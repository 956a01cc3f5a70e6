"""The words that the views use, explained to whoever reads a report without knowing them."""

from patchlake.core.statuses import COLLECTION, LISTING, CollectionStatus

UNREAD_TARGETS = {status: explanation.sentence for status, explanation in LISTING.items() if explanation.fix}
"""Why the nodes of a target are not known."""

UNKNOWN_NODES: dict[str, str] = {
    **{
        status: explanation.sentence
        for status, explanation in COLLECTION.items()
        if status is not CollectionStatus.COLLECTED
    },
    "STALE_SCAN": "The last scan is older than a scan may be.",
    "SCAN_TIME_INVALID": "The time of the last scan cannot be true, so it is not known how old it is.",
    "COUNT_ABSENT": "One of the counts that decide is missing.",
}
"""Why the compliance of a node that was listed is not known."""

CHANGES = {
    "NEWLY_NON_COMPLIANT": "It was compliant.",
    "BECAME_UNKNOWN": "Its state was known, and is not any more.",
    "VANISHED": "Its target was read, and does not list it any more.",
    "NEW": "Its target did not list it before.",
    "BECAME_KNOWN": "Its state was unknown.",
    "REMEDIATED": "It was non-compliant and is compliant.",
}
"""What happened to a node, the worst first."""
