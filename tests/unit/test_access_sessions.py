"""The caller's identity, as STS answers."""

from typing import Any

import pytest

from patchlake_cli.access.sessions import Caller, CredentialsError, Identity, identify
from patchlake_cli.exit_codes import CommandError
from tests.world import HOME

MEMBER = "444455556666"


class Sts:
    """A client of STS with one answer."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer

    def get_caller_identity(self) -> dict[str, Any]:
        return self.answer


def identity(answer: dict[str, Any]) -> Identity:
    return identify(Sts(answer))  # type: ignore[arg-type]


def test_the_caller_is_the_one_that_sts_names() -> None:
    arn = f"arn:aws-us-gov:iam::{HOME}:user/someone"

    assert identity({"Account": HOME, "Arn": arn}) == Identity(HOME, arn)
    assert Identity(HOME, arn).partition == "aws-us-gov"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"Account": HOME},
        {"Arn": "arn:aws:iam::1:root"},
        {"Account": HOME, "Arn": "x"},
        {"Account": HOME, "Arn": f"arn:aws:iam::{MEMBER}:root"},
        {"Account": [HOME, MEMBER], "Arn": f"arn:aws:iam::{HOME}:root"},
        {"Account": "1", "Arn": "arn:aws:iam::1:root"},
    ],
)
def test_an_answer_that_does_not_name_one_caller_is_an_error_of_one_line(answer: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="GetCallerIdentity does not name one account"):
        identity(answer)


def test_the_account_of_the_caller_must_stay_the_same() -> None:
    def caller_of(account_id: str) -> dict[str, str]:
        return {"Account": account_id, "Arn": f"arn:aws:iam::{account_id}:user/someone"}

    sts = Sts(caller_of(HOME))
    caller = Caller(sts)  # type: ignore[arg-type]

    assert [caller.identify().account_id for _ in range(2)] == [HOME, HOME]
    sts.answer = caller_of(MEMBER)
    for _ in range(2):
        with pytest.raises(CredentialsError, match=f"were those of account {HOME}, and are now those of .* {MEMBER}"):
            caller.identify()
