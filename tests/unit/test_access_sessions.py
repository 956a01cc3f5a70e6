"""The caller's identity, as STS answers."""

from typing import Any

import pytest

from patchlake_cli.access.sessions import Identity, identify
from patchlake_cli.exit_codes import CommandError
from tests.world import HOME


class Sts:
    """A client of STS with one answer."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def get_caller_identity(self) -> dict[str, Any]:
        return self._answer


def identity(answer: dict[str, Any]) -> Identity:
    return identify(Sts(answer))  # type: ignore[arg-type]


def test_the_caller_is_the_one_that_sts_names() -> None:
    arn = f"arn:aws-us-gov:iam::{HOME}:user/someone"

    assert identity({"Account": HOME, "Arn": arn}) == Identity(HOME, arn)
    assert Identity(HOME, arn).partition == "aws-us-gov"


@pytest.mark.parametrize(
    "answer", [{}, {"Account": HOME}, {"Arn": "arn:aws:iam::1:root"}, {"Account": HOME, "Arn": "x"}]
)
def test_an_answer_that_names_no_caller_is_an_error_of_one_line(answer: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="GetCallerIdentity names no account"):
        identity(answer)
