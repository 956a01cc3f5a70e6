"""The pages of the embedded services' answers: tokens that are valid for one chain and day, short and empty pages."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

from patchlake_cli.embedded.aws.settings import Conditions
from patchlake_cli.embedded.aws.ssm_calls import Chain
from patchlake_cli.embedded.fleet.dice import Dice


class Pages:
    """The pages of one embedded AWS.

    Args:
        seed: of the embedded AWS.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def dice(self, chain: Chain, day: int, index: int) -> Dice:
        """Return the draws about a page, counted from 0."""
        return Dice(self._seed, "page", day, *chain, index)

    def token(self, chain: Chain, day: int, start: int, index: int) -> str:
        """Return the token of a page: it is valid for its chain on this day, and opaque."""
        place = f"{start}.{index}"
        text = "\0".join(map(str, (self._seed, day, *chain, place)))
        return urlsafe_b64encode(blake2b(text.encode(), digest_size=48).digest() + place.encode()).decode()

    def resumed(self, chain: Chain, day: int, token: str) -> tuple[int, int]:
        """Return the start and the number of the page of a token.

        Raises:
            ValueError: it is no token of this chain and day.
        """
        start, index = map(int, urlsafe_b64decode(token)[48:].split(b"."))
        if token != self.token(chain, day, start, index):
            raise ValueError("the token belongs to another question or day")
        return start, index


def page_size(dice: Dice, asked: int, conditions: Conditions) -> int:
    """Return the number of rows of a page: all that are asked for, fewer, or none."""
    if dice.share() < conditions.empty_pages:
        return 0
    return dice.between((1, asked)) if dice.share() < conditions.short_pages else asked
