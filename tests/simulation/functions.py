"""The deployed functions: ``functions/*/app.py`` with the simulator's stages, invoked as Lambda does."""

import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch
from warnings import catch_warnings, simplefilter

from patchlake.ports import Clock, Delivery, TargetApis
from tests.handlers import FUNCTIONS, Context
from tests.simulation.invocations import Stage

_ENVIRONMENT = {
    "POWERTOOLS_SERVICE_NAME": "patchlake",
    "POWERTOOLS_METRICS_NAMESPACE": "patchlake",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}


class Answer(NamedTuple):
    """The result of an invocation: the function's answer, and the sum of each metric that it printed."""

    returned: Any
    metrics: Mapping[str, float]


class Remaining(Context):
    """A context whose time is asked for when it is wanted."""

    seconds_left: Callable[[], float]

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that is left."""
        return round(self.seconds_left() * 1000)


@cache
def app(stage: Stage) -> ModuleType:
    """Return a function's module, loaded once, as in one execution environment."""
    spec = spec_from_file_location(f"simulated_{stage}_app", FUNCTIONS / stage / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with patch.dict("os.environ", _ENVIRONMENT), redirect_stdout(io.StringIO()):
        spec.loader.exec_module(module)
    return module


def invoke(  # noqa: PLR0913, PLR0917
    stage: Stage,
    handle: Callable[..., object],
    apis: TargetApis,
    clock: Clock,
    event: object,
    seconds_left: Callable[[], float],
) -> Answer:
    """Invoke a function whose stage is the simulator's: its ``handle``, its ``apis`` and its ``clock``.

    Raises:
        PatchlakeError: the function failed as a whole.
    """
    module = app(stage)
    stub = SimpleNamespace(handle=handle, apis=apis, clock=clock)
    context = Remaining()
    context.seconds_left = seconds_left
    with (
        redirect_stdout(io.StringIO()) as printed,
        catch_warnings(),
        patch.object(module, "stage", lambda: stub),
    ):
        # Where a function fails before it has counted anything, Powertools only says so.
        simplefilter("ignore", UserWarning)
        returned = module.lambda_handler(event, context)
    return Answer(returned, _metrics(printed.getvalue()))


def records(deliveries: Sequence[Delivery]) -> dict[str, Any]:
    """Return the event of Lambda's SQS source; a message's id is its receipt."""
    return {
        "Records": [
            {
                "messageId": delivery.receipt,
                "receiptHandle": delivery.receipt,
                "body": delivery.body,
                "attributes": {"ApproximateReceiveCount": str(delivery.receive_count)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:eu-central-1:111122223333:{delivery.queue_name}",
                "awsRegion": "eu-central-1",
            }
            for delivery in deliveries
        ]
    }


def _metrics(printed: str) -> Mapping[str, float]:
    sums: Counter[str] = Counter()
    for line in map(json.loads, printed.splitlines()):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                sums[metric["Name"]] += sum(values) if isinstance(values, list) else values
    return sums
