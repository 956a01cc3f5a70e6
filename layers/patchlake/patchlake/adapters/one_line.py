"""Texts of services as a part of one of our sentences."""

MOST_CHARACTERS = 500
"""The longest text: AWS's own are shorter, and a log line has a limit."""


def one_line(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return a text without line breaks and control characters, cut off after ``most`` characters."""
    words = " ".join(text[: 4 * most].split())
    shown = "".join(character for character in words if character.isprintable())
    return shown if len(shown) <= most else f"{shown[:most]}…"
