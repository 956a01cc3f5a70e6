"""botocore's own model of the SSM API, against which the tables and records are tested."""

from functools import cache
from typing import Any

from botocore.loaders import Loader


@cache
def _shapes() -> dict[str, Any]:
    shapes: dict[str, Any] = Loader().load_service_model("ssm", "service-2")["shapes"]
    return shapes


def shape(name: str) -> dict[str, Any]:
    """Return a shape of the model, by its name."""
    found: dict[str, Any] = _shapes()[name]
    return found
