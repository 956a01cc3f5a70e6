"""One function in its own process: its environment variables, its context, its errors, its end."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from threading import Event, Thread

import pytest

from patchlake_cli.embedded.lambda_.deployed_stack import DeployedFunction
from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
from patchlake_cli.embedded.lambda_.function_process import InvocationError
from tests.toys import NOWHERE, PATIENCE_SECONDS, REGION, toy_function

ENDLESS = "import threading; threading.Event().wait()"


class Lab:
    """Environments that are closed at the end of a test, and the lines that they logged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log: list[str] = []
        self.heard = Event()
        self._running = ExitStack()

    def environment(
        self, source: str, *, variables: Mapping[str, str] | None = None, timeout_seconds: int = PATIENCE_SECONDS
    ) -> ExecutionEnvironment:
        """Make an environment for a handler's source."""
        return self.environment_of(
            toy_function(self.folder, source, environment=variables, timeout_seconds=timeout_seconds)
        )

    def environment_of(self, function: DeployedFunction) -> ExecutionEnvironment:
        """Make an environment for a function."""
        environment = ExecutionEnvironment(function, NOWHERE, self._on_log)
        self._running.callback(environment.close)
        return environment

    def close(self) -> None:
        """Close all environments."""
        self._running.close()

    def _on_log(self, line: str) -> None:
        self.log.append(line)
        self.heard.set()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Closed at the end of the test."""
    lab = Lab(tmp_path / "code")
    yield lab
    lab.close()


def test_the_handler_gets_the_event_and_its_answer_comes_back(lab: Lab) -> None:
    environment = lab.environment("""
        def lambda_handler(event, context):
            return {"echo": event}
        """)

    answer = environment.invoke({"text": "größer\nals"})

    assert answer == {"echo": {"text": "größer\nals"}}


def test_the_process_has_the_functions_variables_and_lambdas_and_no_others(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHLAKE_BUCKET", "of-the-parent")
    monkeypatch.setenv("AWS_PROFILE", "of-the-user")
    environment = lab.environment(
        """
        import os

        def lambda_handler(event, context):
            return dict(os.environ)
        """,
        variables={"PATCHLAKE_TICK_SECONDS": "60"},
    )

    variables = environment.invoke({})

    assert variables.pop("LC_CTYPE", "C.UTF-8") == "C.UTF-8"  # set by Python itself where it needs it
    assert variables.keys() == {
        "PATCHLAKE_TICK_SECONDS",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "HOME",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "PATH",
        "PYTHONPATH",
        "TMPDIR",
        "TZ",
        "_HANDLER",
    }
    assert variables["PATCHLAKE_TICK_SECONDS"] == "60"
    assert variables["AWS_REGION"] == REGION
    assert variables["AWS_ENDPOINT_URL"] == NOWHERE.url


def test_the_context_is_lambdas(lab: Lab) -> None:
    environment = lab.environment("""
        def lambda_handler(event, context):
            return [context.function_name, context.function_version, context.invoked_function_arn,
                    context.memory_limit_in_mb, context.aws_request_id, context.log_group_name]
        """)

    first, second = environment.invoke({}), environment.invoke({})

    assert first[:4] == ["stack-toy", "$LATEST", f"arn:aws:lambda:{REGION}:123456789012:function:stack-toy", "256"]
    assert first[5] == "/aws/lambda/stack-toy"
    assert first[4] != second[4]


def test_the_remaining_time_counts_down_from_the_time_out(lab: Lab) -> None:
    environment = lab.environment(
        """
        def lambda_handler(event, context):
            return context.get_remaining_time_in_millis()
        """,
        timeout_seconds=20,
    )

    remaining = environment.invoke({})

    assert 0 < remaining <= 20_000


def test_layers_stand_behind_the_code_and_nothing_else_is_importable(lab: Lab, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "from_layer.py").write_text("NAME = 'layer'", encoding="utf-8")
    (layer / "app.py").write_text("raise RuntimeError('the layer hides the code')", encoding="utf-8")
    function = toy_function(
        lab.folder,
        """
        import importlib.util
        import from_layer

        def lambda_handler(event, context):
            return [from_layer.NAME, importlib.util.find_spec("sqs_event")]
        """,
    )
    environment = lab.environment_of(replace(function, layer_paths=(layer,)))

    answer = environment.invoke({})

    assert answer == ["layer", None]


def test_the_handlers_module_is_imported_once(lab: Lab) -> None:
    environment = lab.environment("""
        CALLS = []

        def lambda_handler(event, context):
            CALLS.append(event)
            return len(CALLS)
        """)

    counts = [environment.invoke({}) for _ in range(3)]

    assert counts == [1, 2, 3]


def test_an_error_of_the_handler_is_reported_and_the_process_lives_on(lab: Lab) -> None:
    environment = lab.environment("""
        import os

        def lambda_handler(event, context):
            if event.get("bad"):
                raise LookupError("no such thing")
            return os.getpid()
        """)
    pid = environment.invoke({})

    with pytest.raises(InvocationError) as raised:
        environment.invoke({"bad": True})

    assert (raised.value.error_type, raised.value.error_message) == ("LookupError", "no such thing")
    assert any("Traceback" in line for line in lab.log)
    assert environment.invoke({}) == pid


def test_an_answer_that_json_cannot_carry_is_an_error(lab: Lab) -> None:
    environment = lab.environment("""
        def lambda_handler(event, context):
            return {1, 2}
        """)

    with pytest.raises(InvocationError) as raised:
        environment.invoke({})

    assert raised.value.error_type == "TypeError"


def test_a_handler_that_cannot_be_imported_fails_each_invocation(lab: Lab) -> None:
    environment = lab.environment("import no_such_module")

    for _ in range(2):
        with pytest.raises(InvocationError) as raised:
            environment.invoke({})
        assert raised.value.error_type == "ModuleNotFoundError"


def test_a_process_that_exits_fails_its_invocation_and_is_replaced(lab: Lab) -> None:
    environment = lab.environment("""
        import sys

        def lambda_handler(event, context):
            if event.get("exit"):
                sys.exit(3)
            return "alive"
        """)

    with pytest.raises(InvocationError) as raised:
        environment.invoke({"exit": True})

    assert raised.value.error_type == "Runtime.ExitError"
    assert raised.value.error_message.endswith("exit status 3")
    assert environment.invoke({}) == "alive"


def test_a_handler_that_takes_too_long_is_killed_and_replaced(lab: Lab) -> None:
    environment = lab.environment(
        f"""
        import os

        def lambda_handler(event, context):
            if event.get("hang"):
                {ENDLESS}
            return os.getpid()
        """,
        timeout_seconds=2,
    )
    first_pid = environment.invoke({})

    with pytest.raises(InvocationError) as raised:
        environment.invoke({"hang": True})

    assert raised.value.error_type == "Sandbox.Timedout"
    assert raised.value.error_message == "Task timed out after 2.00 seconds"
    assert environment.invoke({}) != first_pid


def test_a_process_killed_between_two_events_is_replaced_without_an_error(lab: Lab) -> None:
    environment = lab.environment("""
        import os

        def lambda_handler(event, context):
            return os.getpid()
        """)
    first_pid = environment.invoke({})

    environment.kill()

    assert environment.invoke({}) != first_pid


def test_a_process_that_died_by_itself_between_two_events_is_replaced_without_an_error(lab: Lab) -> None:
    environment = lab.environment("""
        import os

        def lambda_handler(event, context):
            return os.getpid()
        """)
    first_pid = environment.invoke({})

    os.kill(first_pid, signal.SIGKILL)
    os.waitid(os.P_PID, first_pid, os.WEXITED | os.WNOWAIT)

    assert environment.invoke({}) != first_pid


def test_closing_fails_the_invocation_that_is_under_way_and_all_later_ones(lab: Lab) -> None:
    environment = lab.environment(f"""
        def lambda_handler(event, context):
            print("working")
            {ENDLESS}
        """)
    errors: list[str] = []

    def invoke() -> None:
        with pytest.raises(InvocationError) as raised:
            environment.invoke({})
        errors.append(raised.value.error_type)

    invocation = Thread(target=invoke)
    invocation.start()
    assert lab.heard.wait(PATIENCE_SECONDS)
    environment.close()
    invocation.join(PATIENCE_SECONDS)

    assert errors == ["Runtime.ExitError"]
    with pytest.raises(InvocationError, match="closed"):
        environment.invoke({})


def test_all_that_an_invocation_prints_or_logs_has_been_heard_when_it_returns(lab: Lab) -> None:
    environment = lab.environment("""
        import logging
        import sys

        def lambda_handler(event, context):
            print('{"_aws": {"Timestamp": 1}, "Nodes": 3}')
            logging.warning("hot")
            sys.stdout.write("unfinished")
        """)

    for _ in range(20):
        lab.log.clear()
        environment.invoke({})
        assert lab.log == ['{"_aws": {"Timestamp": 1}, "Nodes": 3}', "WARNING:root:hot", "unfinished"]


def test_what_a_killed_process_has_printed_is_not_lost(lab: Lab) -> None:
    environment = lab.environment(
        f"""
        def lambda_handler(event, context):
            print("so far")
            {ENDLESS}
        """,
        timeout_seconds=1,
    )

    with pytest.raises(InvocationError):
        environment.invoke({})

    assert lab.log == ["so far"]


def test_temporary_files_are_the_environments_own_and_go_with_it(lab: Lab) -> None:
    environment = lab.environment("""
        import tempfile

        def lambda_handler(event, context):
            return tempfile.mkstemp()[1]
        """)
    path = Path(environment.invoke({}))
    existed = path.exists()

    environment.close()

    assert existed
    assert not path.parent.exists()


def test_the_process_ends_with_its_parent_even_while_it_works_and_leaves_no_files(tmp_path: Path) -> None:
    fifo = tmp_path / "held-by-the-handler"
    os.mkfifo(fifo)
    toy_function(
        tmp_path / "code",
        f"""
        import os

        def lambda_handler(event, context):
            held = open({str(fifo)!r}, "w")
            held.write(os.environ["TMPDIR"])
            held.flush()
            {ENDLESS}
        """,
    )
    parent = dedent(f"""
        from pathlib import Path
        from patchlake_cli.embedded.aws.endpoint import Endpoint
        from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
        from patchlake_cli.embedded.lambda_.deployed_stack import DeployedFunction

        code = Path({str(tmp_path / "code")!r})
        function = DeployedFunction("toy", "toy", "arn", code, (), "app.lambda_handler", {{}}, 900, 128, 0, None)
        ExecutionEnvironment(function, Endpoint("", "eu-central-1"), print).invoke({{}})
        """)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.DEVNULL) as process:
        assert select.select([reader], [], [], PATIENCE_SECONDS)[0]
        folder = Path(os.read(reader, 1000).decode())
        existed = folder.is_dir()

        process.kill()

    # The other end of the pipe closes when the handler's process is gone.
    assert select.select([reader], [], [], PATIENCE_SECONDS)[0]
    assert os.read(reader, 1000) == b""
    os.close(reader)
    assert existed
    assert not folder.exists()
