"""The errors: one root, one picture, and what a refusal carries."""

import inspect

from patchlake import errors
from patchlake.errors import PatchlakeError, RefusedError


def test_every_error_has_the_one_root_and_stands_in_the_picture_of_them() -> None:
    classes = [value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, Exception)]

    assert [error for error in classes if not issubclass(error, PatchlakeError)] == []
    assert [error for error in classes if error.__name__ not in (errors.__doc__ or "")] == []


def test_a_refusal_carries_what_is_recorded_of_it_beside_the_text_for_people() -> None:
    refusal = RefusedError("ROLE_NOT_ASSUMABLE", "AccessDenied", "111122223333.eu-central-1: the role is refused")

    assert (refusal.listing_status, refusal.code) == ("ROLE_NOT_ASSUMABLE", "AccessDenied")
    assert str(refusal) == "111122223333.eu-central-1: the role is refused"
