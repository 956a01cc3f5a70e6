"""The calls of the embedded Systems Manager: its operations, and the identity of a call.

Faults and pages are drawn from these, so they depend on what a caller asks and not on when.
"""

from enum import StrEnum
from typing import NamedTuple

from patchlake.core.targets import Target


class Operation(StrEnum):
    """The operations of SSM that patchlake calls."""

    PATCH_STATES = "DescribeInstancePatchStates"
    INFORMATION = "DescribeInstanceInformation"


class Call(NamedTuple):
    """One call, told from others by what it asks; a repetition is the same call.

    Attributes:
        target: whose nodes it asks for.
        operation: that is called.
        content: fingerprint of the whole request.
    """

    target: Target
    operation: Operation
    content: str


class Chain(NamedTuple):
    """The pages that together answer one question.

    Attributes:
        target: whose nodes it asks for.
        operation: that is called.
        question: fingerprint of the request without its token.
    """

    target: Target
    operation: Operation
    question: str
