"""The encoding of an answer, such as gzip.

The SDK asks for none and decodes none, so an encoded body cannot be read. Mostly a proxy has encoded it.
"""

from collections.abc import Mapping

from patchlake.adapters.one_line import one_line


def unasked_encoding(headers: Mapping[str, str]) -> str:
    """Return the end of a sentence about a body that cannot be read, where it has an encoding; else nothing.

    Args:
        headers: of the answer, with names in any case or in lower case.
    """
    encoding = one_line(headers.get("content-encoding", ""), most=50)
    return f"; its encoding is {encoding}, which was not asked for" if encoding not in {"", "identity"} else ""
