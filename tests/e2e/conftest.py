"""Fixtures for the tests of the build: one build of the whole stack, and its measurements, printed at the end."""

import fcntl
import os

import pytest

from tests.e2e.tools import Build, build_stack


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Everything that `sam build` makes of the stack: functions and layers, for both architectures."""
    own = tmp_path_factory.getbasetemp()
    # The processes of one test run have their folders in one parent folder, and share one build.
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "sam-build"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = Build(folder / "built")
        return built if (built.folder / "template.yaml").exists() else build_stack(folder)


def pytest_xdist_auto_num_workers() -> int:
    """Keep the processors busy while tests wait for downloads, servers and workers that pause."""
    return (os.process_cpu_count() or 1) + 2


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the measurements that tests have recorded."""
    reports = terminalreporter.getreports("passed")
    if lines := [line for report in reports for name, line in report.user_properties if name == "measured"]:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(str(line))
