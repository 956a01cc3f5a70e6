"""A queue that takes nothing."""

from collections.abc import Iterable

from patchlake.ports import Delivery


class DeafQueue:
    """A queue that takes nothing."""

    name = "deaf"

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        """Send nothing."""

    def defer(self, delivery: Delivery, seconds: int) -> None:
        """Defer nothing."""

    def dead_letter(self, delivery: Delivery) -> None:
        """Keep nothing."""
