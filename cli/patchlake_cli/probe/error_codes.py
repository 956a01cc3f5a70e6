"""The error codes that a probe shows: those that AWS documents. Another one may name something of the account."""

import re
from typing import Final

from patchlake.adapters.aws_errors import CODES
from patchlake.core.error_codes import without_suffix

_OF_REFUSED_VALUES: Final = frozenset(
    {
        *("InvalidActivationId", "InvalidDocument", "InvalidFilter", "InvalidFilterKey", "InvalidFilterValue"),
        *("InvalidInstanceId", "InvalidInstanceInformationFilterValue", "InvalidInstancePropertyFilterValue"),
        *("InvalidMaxResults", "InvalidParameter", "InvalidParameterCombination", "InvalidParameterValue"),
        *("MissingParameter", "Serialization", "UnknownParameter", "Validation", "ValidationError"),
        *("InvalidAction", "InvalidResourceType", "UnsupportedOperation"),
    }
)
"""The codes of SSM's four operations, of EC2's two, and of both services' common errors, without ``Exception``."""

_SHOWN: Final = _OF_REFUSED_VALUES.union(*CODES.values())
_HTTP_STATUS: Final = re.compile(r"[1-5]\d\d")


def shown_code(code: str) -> str:
    """Return a service's error code, or other words for it."""
    is_known = without_suffix(code) in _SHOWN or _HTTP_STATUS.fullmatch(code) is not None
    return code if is_known else "a code that is not shown"
