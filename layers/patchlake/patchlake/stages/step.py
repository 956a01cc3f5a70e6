"""The three results of a message that was handled."""

from enum import StrEnum


class Step(StrEnum):
    """The result of handling a message."""

    STORED = "STORED"
    """This call created its object."""
    ADOPTED = "ADOPTED"
    """Its object existed, or another worker created it at the same time."""
    LATE = "LATE"
    """The run is published, or closed to the message's source: nothing was done."""
