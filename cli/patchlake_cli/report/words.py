"""The words that the views use, explained to a reader who does not know them."""

from patchlake.core.tables import CollectionStatus, ListingStatus

UNREAD_TARGETS = {
    ListingStatus.ROLE_NOT_ASSUMABLE: "The role of the account cannot be assumed: it is missing or trusts others.",
    ListingStatus.ACCESS_DENIED: "Systems Manager refused to list the nodes.",
    ListingStatus.REGION_DISABLED: "The region is not enabled in the account.",
    ListingStatus.NOT_LISTED: "Its nodes had not been listed by the run's deadline, or cannot be listed completely.",
}
"""Why the nodes of a target are not known."""

UNKNOWN_NODES = {
    CollectionStatus.NO_PATCH_STATE: "The node has never been scanned.",
    CollectionStatus.NOT_COLLECTED: "The state could not be asked for, or had not come when the run's deadline came.",
    CollectionStatus.INVALID_RESPONSE: "The answer about the node broke the rules of the service.",
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
