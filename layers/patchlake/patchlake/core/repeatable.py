"""A value that a user gave, as an error may repeat it: errors are logged, and pasted into tickets."""

import re

_AFTER_PATH = re.compile(r"([?#]).*", re.DOTALL)


def repeatable(value: str) -> str:
    """Return a value; an address without its user, password, query and fragment, which may have secrets."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        return value
    # A password may contain each of the other marks.
    _, user_end, place = rest.rpartition("@")
    return f"{scheme}://{user_end and '…@'}{_AFTER_PATH.sub(r'\1…', place)}"
