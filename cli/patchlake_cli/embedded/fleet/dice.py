"""Reproducible random draws: every draw of the embedded AWS is a function of the seed and of its subject.

Draws never depend on their order across nodes, days or calls, so threads and retries change nothing.
"""

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

_MASK: Final = (1 << 64) - 1


class Dice:
    """A stream of draws about one subject; equal seed and subject give an equal stream in every process.

    One stream holds 512 bits, enough for some thirty small draws.
    """

    __slots__ = ("_bits",)

    def __init__(self, seed: int, *subject: object) -> None:
        text = "\0".join(map(str, (seed, *subject)))
        self._bits = int.from_bytes(blake2b(text.encode()).digest())

    def below(self, limit: int) -> int:
        """Draw a whole number from 0 to ``limit`` - 1."""
        self._bits, drawn = divmod(self._bits, limit)
        return drawn

    def between(self, bounds: tuple[int, int]) -> int:
        """Draw a whole number from the first bound to the second, both included."""
        least, most = bounds
        return least + self.below(most - least + 1)

    def per_mille(self, chance: int) -> bool:
        """Return True in ``chance`` of 1,000 draws."""
        return self.below(1000) < chance

    def share(self) -> float:
        """Draw a share from 0 to 1, 1 excluded, in steps of a millionth."""
        return self.below(1_000_000) / 1_000_000

    def uuid(self) -> str:
        """Draw a UUID."""
        digits = self.hexadecimal(32)
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def index(self, cumulated_weights: Sequence[int]) -> int:
        """Draw an index, in proportion to the weights whose running sums are given."""
        return bisect_right(cumulated_weights, self.below(cumulated_weights[-1]))

    def hexadecimal(self, digits: int) -> str:
        """Draw a number of hexadecimal digits."""
        return f"{self.below(16**digits):0{digits}x}"


def mixed(word: int, day: int, about: int) -> int:
    """Return 64 well-mixed bits of a node's own ``word``, a day and a subject: a cheap draw for each day.

    The finalizer of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
    """
    bits = (word + day * 0x9E3779B97F4A7C15 + about * 0xD1B54A32D192ED03) & _MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return bits ^ (bits >> 31)
