"""The deployed handlers, each over a stage of a world in memory: their answers to Lambda, and their logs."""

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from warnings import catch_warnings, simplefilter

from tests.world import World

FUNCTIONS = Path(__file__).parents[1] / "functions"
_NUMBERS = count()


class Invocation(NamedTuple):
    """The result of one invocation.

    Attributes:
        answer: what the handler returned; None where it raised.
        error: what it raised.
        lines: what it printed, each line a JSON object.
    """

    answer: Any
    error: Exception | None
    lines: Sequence[dict[str, Any]]

    @property
    def failed(self) -> list[int]:
        """The messages that were reported as failed, by their position."""
        return [int(item["itemIdentifier"]) for item in self.answer["batchItemFailures"]]

    def logged(self, level: str) -> list[dict[str, Any]]:
        """Return the log lines of a level."""
        return [line for line in self.lines if line.get("level") == level]

    def metric(self, name: str) -> float:
        """Return the sum of a metric's values."""
        return sum(sum(line[name]) for line in self.lines if "_aws" in line and name in line)


class Context(NamedTuple):
    """The Lambda context of an invocation, as far as handlers read it."""

    milliseconds_left: int = 600_000

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:111122223333:function:function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that is left."""
        return self.milliseconds_left


def invoke(world: World | None, stage: str, event: object, context: Context = Context()) -> Invocation:  # noqa: B008  # it cannot be changed
    """Let a stage's handler handle an event; its module is loaded again, as in a cold start.

    Args:
        world: the source of the handler's stage; without one the handler builds its own, from the environment.
        stage: the handler's.
        event: of the invocation.
        context: of the invocation.
    """
    # Powertools keeps one logger per service and the stream that it was made with.
    environment = {
        "POWERTOOLS_SERVICE_NAME": f"patchlake-{next(_NUMBERS)}",
        "POWERTOOLS_METRICS_NAMESPACE": "patchlake",
    }
    spec = spec_from_file_location(f"{stage}_app", FUNCTIONS / stage / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    answer, raised = None, None
    with patch.dict("os.environ", environment), redirect_stdout(io.StringIO()) as printed:
        spec.loader.exec_module(module)
        with (
            catch_warnings(),
            patch.object(module, "stage", module.stage if world is None else lambda: getattr(world, stage)),
        ):
            # If a handler fails before it has counted anything, Powertools only warns.
            simplefilter("ignore", UserWarning)
            try:
                answer = module.lambda_handler(event, context)
            except Exception as error:  # noqa: BLE001  # Lambda catches whatever a handler raises, too
                raised = error
    return Invocation(answer, raised, [json.loads(line) for line in printed.getvalue().splitlines()])


def records(*bodies: str, receive_count: int = 1) -> dict[str, Any]:
    """Return an event of Lambda's SQS source, whose messages have their positions as ids."""
    return {
        "Records": [
            {
                "messageId": str(position),
                "receiptHandle": str(position),
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(receive_count)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:queue",
                "awsRegion": "eu-central-1",
            }
            for position, body in enumerate(bodies)
        ]
    }
