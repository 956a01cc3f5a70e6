"""The three ways in which handling a message ends well."""

from enum import StrEnum


class Step(StrEnum):
    """The result of handling a message."""

    STORED = "STORED"
    """Its object was made by this very call."""
    ADOPTED = "ADOPTED"
    """Its object was there, or came from another worker at the same time."""
    LATE = "LATE"
    """The run is published: nothing was done."""
