"""A value that a user gave, as an error may repeat it: errors are logged, and pasted into tickets."""


def repeatable(value: str) -> str:
    """Return a value; an address without its user, its password and its query, which may have secrets."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        return value
    # A password may contain each of the other marks.
    _, user_end, place = rest.rpartition("@")
    place, query_start, _ = place.partition("?")
    return f"{scheme}://{user_end and '…@'}{place}{query_start and '?…'}"
