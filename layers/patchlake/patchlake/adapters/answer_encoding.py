"""The encoding of an answer, such as gzip.

The SDK asks for none and decodes none, so an encoded body cannot be read. Mostly a proxy has encoded it.
"""

from collections.abc import Mapping


def unasked_encoding(headers: Mapping[str, str]) -> str:
    """Return the end of a sentence about a body that cannot be read, where it has an encoding; else nothing.

    Args:
        headers: of the answer, with names in any case or in lower case.
    """
    encoding = headers.get("content-encoding", "")
    shown = "".join(character for character in encoding[:50] if character.isprintable())
    return f"; its encoding is {shown}, which was not asked for" if shown and shown != "identity" else ""
