"""Text that other people chose, as a terminal may show it.

Names of nodes, groups and accounts, and messages of errors, may contain control sequences: colors that hide text,
links, line breaks that look like another row, marks that change the direction of writing. A terminal gets them escaped;
files get them as they are.
"""


def visible(text: str) -> str:
    """Escape each character that would not show as itself on one line."""
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)


def visible_lines(text: str) -> str:
    """Escape as ``visible`` does, and keep the line breaks."""
    return "\n".join(map(visible, text.split("\n")))
