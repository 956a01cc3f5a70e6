"""Numbers with their nouns, in sentences."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number and what it counts: ``1 row``, ``2,000 rows``.

    Args:
        number: the number.
        noun: for one.
        plural: for any other number; by default the noun with an ``s``.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
