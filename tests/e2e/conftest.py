"""What the tests of what is deployed share: one build of the whole stack, and what they measured, said at the end."""

import pytest

from tests.e2e.tools import Build, run

_MEASURED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Everything that `sam build` makes of the stack: functions and layers, for both architectures."""
    folder = tmp_path_factory.mktemp("build")
    result = run("sam", "build", "--build-dir", folder / "built", "--cache-dir", folder / "cache")
    assert result.returncode == 0, result.stderr
    return Build(folder / "built")


@pytest.fixture(scope="session")
def measured(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the summary of the test run."""
    return request.config.stash.setdefault(_MEASURED, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash.get(_MEASURED, []):
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)
