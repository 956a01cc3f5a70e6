"""A handler that logs every AWS call of the function whose code it wraps; loaded as one more layer.

botocore's own events describe each call: its request and its credentials, from any session.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import botocore.session
from app import lambda_handler  # type: ignore[import-not-found]  # the function's own, known in its process only

__all__ = ["lambda_handler"]

_SAID = ("Bucket", "Key", "IfNoneMatch", "QueueUrl", "RoleArn", "ExternalId")
_create_session = botocore.session.Session.__init__


def _remember(params: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
    context["said"] = {name: params[name] for name in _SAID if name in params}


def _record(model: Any, request_signer: Any, context: Mapping[str, Any], **_: object) -> None:  # noqa: ANN401  # botocore has no types
    call = {
        "service": model.service_model.service_name,
        "operation": model.name,
        "access_key": request_signer._credentials.access_key,  # noqa: SLF001  # no public way to it
        "said": context["said"],
    }
    # In one write: threads call at the same time, and print writes a line and its end separately.
    sys.stdout.write(json.dumps({"aws_call": call}) + "\n")


def _create_recorded_session(session: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401  # handed on
    _create_session(session, *args, **options)
    session.register("provide-client-params", _remember)
    session.register("before-call", _record)


botocore.session.Session.__init__ = _create_recorded_session  # type: ignore[assignment, method-assign]
