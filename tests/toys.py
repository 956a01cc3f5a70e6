"""Toy functions and a plain moto, for tests of Lambda's part around a handler."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

from moto.server import ThreadedMotoServer

from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedFunction, EventSource
from patchlake_cli.embedded.lambda_.pump import PumpEvent

REGION = "eu-central-1"
NOWHERE = Endpoint("http://127.0.0.1:9", REGION)
PATIENCE_SECONDS = 30


@contextmanager
def running_moto() -> Iterator[Endpoint]:
    """Run a plain moto server in this process."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Endpoint(f"http://{host}:{port}", REGION)
    finally:
        server.stop()


def toy_function(
    folder: Path,
    source: str,
    *,
    event_sources: tuple[EventSource, ...] = (),
    environment: Mapping[str, str] | None = None,
    timeout_seconds: int = PATIENCE_SECONDS,
) -> DeployedFunction:
    """Write a handler's module into ``folder`` and describe it as a deployment would."""
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(dedent(source), encoding="utf-8")
    return DeployedFunction(
        stage="toy",
        name="stack-toy",
        arn=f"arn:aws:lambda:{REGION}:123456789012:function:stack-toy",
        code_path=folder,
        layer_paths=(),
        handler="app.lambda_handler",
        environment=environment or {},
        timeout_seconds=timeout_seconds,
        memory_mb=256,
        asynchronous_retries=2,
        event_sources=event_sources,
    )


class Witness:
    """The events of a pump, for which a test can wait."""

    def __init__(self) -> None:
        self._events: list[PumpEvent] = []
        self._changed = threading.Condition()

    def __call__(self, event: PumpEvent) -> None:
        """Observe."""
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def seen[Event](self, kind: type[Event]) -> list[Event]:
        """Return the events of a kind, in their order."""
        with self._changed:
            return [event for event in self._events if isinstance(event, kind)]

    def wait_for[Event](
        self, kind: type[Event], count: int = 1, *, where: Callable[[Event], bool] = lambda _: True
    ) -> list[Event]:
        """Return the events of a kind as soon as there are ``count``.

        Raises:
            TimeoutError: they did not come; the text lists what did.
        """

        def matching() -> list[Event]:
            return [event for event in self._events if isinstance(event, kind) and where(event)]

        with self._changed:
            if not self._changed.wait_for(lambda: len(matching()) >= count, PATIENCE_SECONDS):
                raise TimeoutError(f"no {count} {kind.__name__} in {self._events}")
            return matching()
