"""The statuses of targets and nodes: the meaning of each, and the fix if there is one.

The columns' descriptions, the report, ``patchlake check`` and the advice of ``export`` take their texts from here.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class CollectionStatus(StrEnum):
    """The result for one node of one run."""

    COLLECTED = "COLLECTED"
    NO_PATCH_STATE = "NO_PATCH_STATE"
    NOT_COLLECTED = "NOT_COLLECTED"
    INVALID_RESPONSE = "INVALID_RESPONSE"


NOT_READ: Final = (CollectionStatus.NOT_COLLECTED, CollectionStatus.INVALID_RESPONSE)
"""The statuses of nodes of which nothing is known."""


class ListingStatus(StrEnum):
    """The result for one target of one run."""

    LISTED = "LISTED"
    ROLE_NOT_ASSUMABLE = "ROLE_NOT_ASSUMABLE"
    ACCESS_DENIED = "ACCESS_DENIED"
    REGION_DISABLED = "REGION_DISABLED"
    NOT_LISTED = "NOT_LISTED"
    ACCOUNT_NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"


class Explanation(NamedTuple):
    """The meaning of a status and its fix; ``words`` are the shortest form of its meaning."""

    meaning: str
    fix: str = ""
    words: str = ""

    @property
    def sentence(self) -> str:
        """The meaning as a sentence."""
        return f"{self.meaning[0].upper()}{self.meaning[1:]}."


LISTING: Mapping[ListingStatus, Explanation] = {
    ListingStatus.LISTED: Explanation("every node that SSM lists is in the snapshot", words="read"),
    ListingStatus.ROLE_NOT_ASSUMABLE: Explanation(
        "the role of the account cannot be assumed: it is missing or does not trust the caller",
        "deploy templates/member-role.yaml there; compare role name, external id and organization",
        "role not assumable",
    ),
    ListingStatus.ACCESS_DENIED: Explanation(
        "the account refused the call",
        "grant the role the actions in templates/member-role.yaml; check the service control policies",
        "access denied",
    ),
    ListingStatus.REGION_DISABLED: Explanation(
        "the region is not enabled in the account",
        "enable the region in that account, or remove it from Regions",
        "region not enabled",
    ),
    ListingStatus.NOT_LISTED: Explanation(
        "any other error code, no answer by the run's deadline, or a listing that cannot be completed",
        "look up listing_detail in docs/troubleshooting.md",
        "not listed",
    ),
    ListingStatus.ACCOUNT_NOT_ACTIVE: Explanation(
        "the account is closed or suspended, and was not read", words="account not active"
    ),
}
"""The ``listing_status`` of a target."""

ROWS_WITHOUT_ID = Explanation(
    "SSM lists these nodes without an id: they exist, but no snapshot can contain them", "report them to AWS Support"
)
"""The rows of a listing that name no node."""

COLLECTION: Mapping[str, Explanation] = {
    CollectionStatus.COLLECTED: Explanation("the patch state is the one that SSM returned"),
    CollectionStatus.NO_PATCH_STATE: Explanation("SSM has no patch state for the node: it was never scanned"),
    CollectionStatus.NOT_COLLECTED: Explanation("SSM could not be asked, or gave no answer by the run's deadline"),
    CollectionStatus.INVALID_RESPONSE: Explanation("the answer about the node broke the rules of the API"),
}
"""The ``collection_status`` of a node."""


def listing_words(status: str) -> str:
    """Return a ``listing_status``, or the status of a target in a view, in words."""
    words = {str(known): explanation.words for known, explanation in LISTING.items()}
    return words.get(status) or status.lower().replace("_", " ")


def listing_code(status: str, detail: str | None) -> str:
    """Return a ``listing_status`` with its ``listing_detail``, both as they are recorded."""
    return status if detail is None else f"{status}: {detail}"


def described[S: str](explanations: Mapping[S, Explanation]) -> str:
    """Return the meanings of all statuses as one text, for the description of a column."""
    return " ".join(f"{status}: {explanation.meaning}." for status, explanation in explanations.items())
