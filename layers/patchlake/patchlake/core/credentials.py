"""Locations as they may be stored: without user, password, query and fragment, which may hold credentials.

People type these values, so one need not be a URL. An escaped character counts as the character, and a full-width form
as the plain one. A value without any of these parts stays as it is.
"""

import re
import unicodedata

_LOCATION = re.compile(
    r"(?P<scheme>\s*(?:[a-z][a-z0-9+.-]*:)?[/\\]+)?"
    r"(?P<user>[^/\\?#;&]*@)?"
    r"(?P<host>[^/\\?#;&@]*)"
    r"(?P<path>[^?#;&]*)"
    r"(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPES = re.compile(r"(?:%[0-9a-f]{2})+", re.IGNORECASE)
_ESCAPED_TIMES = 8


def without_credentials(location: str) -> str:
    """Return a location without the parts that may hold credentials."""
    plain = location
    for _ in range(_ESCAPED_TIMES):
        before, plain = plain, unicodedata.normalize("NFKC", _ESCAPES.sub(_unescaped, plain))
        if plain == before:
            stored = _stored(plain)
            return location if stored == plain else stored
    return _stored(plain.partition("%")[0])


def _unescaped(escapes: re.Match[str]) -> str:
    return bytes.fromhex(escapes[0].replace("%", "")).decode(errors="replace")


def _stored(text: str) -> str:
    """Return scheme, host and path; only the scheme where the password may reach into the others."""
    scheme, user, host, path, rest = (part or "" for part in _LOCATION.match(text).groups())  # type: ignore[union-attr]
    before, at, _ = (path + rest).rpartition("@")
    if at and (user or ":" in host + before[: len(path)]):
        return scheme
    return scheme + host + path
