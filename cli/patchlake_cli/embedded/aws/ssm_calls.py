"""The calls of the embedded AWS: the operations of its Systems Manager, and the identity of a call.

Faults and pages are drawn from these, so they depend on the content of a call and not on its time.
"""

from enum import StrEnum
from typing import NamedTuple

from patchlake.core.targets import Target


class Operation(StrEnum):
    """The operations of SSM that patchlake calls; the last one only in `patchlake probe`."""

    PATCH_STATES = "DescribeInstancePatchStates"
    INFORMATION = "DescribeInstanceInformation"
    PATCHES = "DescribeInstancePatches"
    PROPERTIES = "DescribeInstanceProperties"


class Call(NamedTuple):
    """One call, identified by its content; a repetition is the same call.

    Attributes:
        target: the target of the call.
        operation: the operation of the call.
        content: fingerprint of the whole request.
    """

    target: Target
    operation: str
    content: str


class Chain(NamedTuple):
    """The pages that together answer one question.

    Attributes:
        target: the target of the calls.
        operation: the operation of the calls.
        question: fingerprint of the request without its token.
    """

    target: Target
    operation: str
    question: str
