"""IAM's evaluation of a policy, as far as patchlake's own policies need it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

type Statement = Mapping[str, Any]


class Request(NamedTuple):
    """One call as IAM sees it: an action on a resource, with the keys that conditions may ask for."""

    action: str
    resource: str
    context: Mapping[str, str] = {}


def listed(value: str | list[str]) -> list[str]:
    """Return a list of values that a policy may write as one string or as a list."""
    return [value] if isinstance(value, str) else list(value)


def allowed(statements: Iterable[Statement], request: Request) -> bool:
    """Whether a statement allows the request, and none denies it."""
    effects = {statement["Effect"] for statement in statements if applies(statement, request)}
    return effects == {"Allow"}


def denied(statements: Iterable[Statement], request: Request) -> bool:
    """Whether a statement denies the request."""
    return any(statement["Effect"] == "Deny" for statement in statements if applies(statement, request))


def applies(statement: Statement, request: Request) -> bool:
    """Whether a statement applies to the request."""
    return (
        any(_matches(pattern, request.action) for pattern in listed(statement["Action"]))
        and any(_matches(pattern, request.resource) for pattern in listed(statement["Resource"]))
        and all(
            _holds(operator, key, listed(expected), request.context)
            for operator, conditions in statement.get("Condition", {}).items()
            for key, expected in conditions.items()
        )
    )


def _matches(pattern: str, value: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value) is not None


def _holds(operator: str, key: str, expected: list[str], context: Mapping[str, str]) -> bool:
    actual = context.get(key)
    match operator:
        case "Null":
            return [str(actual is None).lower()] == expected
        case "StringEquals" | "ArnEquals" | "Bool":
            return actual in expected
        case "ArnLike" | "StringLike":
            return actual is not None and any(_matches(pattern, actual) for pattern in expected)
    raise ValueError(f"no rule here evaluates {operator!r}")
