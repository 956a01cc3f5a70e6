"""The lock files: complete, hashed, without addresses, and consistent with each other."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALL = ROOT / "requirements.txt"
RUNTIME = ROOT / "layers" / "runtime" / "requirements.txt"
TOOLS = sorted((ROOT / "verify").glob("*.txt"))
RIVALS = sorted((ROOT / "benchmarks" / "rivals").glob("*.txt"))
EVERY_LOCK = pytest.mark.parametrize(
    "lock", [ALL, RUNTIME, *TOOLS, *RIVALS], ids=lambda lock: str(lock.relative_to(ROOT))
)

PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def pins(lock: Path) -> dict[str, str]:
    """Return the version of each package that the lock pins."""
    return {found["name"]: found["version"] for line in lock.read_text().splitlines() if (found := PIN.match(line))}


def names(requirements: list[str]) -> set[str]:
    """Return the package names of such requirements as `moto[server]>=5`."""
    return {re.split(r"[\[<>=]", requirement, maxsplit=1)[0] for requirement in requirements}


def test_the_functions_run_on_the_very_versions_that_the_demo_and_the_tests_run_on() -> None:
    assert pins(RUNTIME).items() <= pins(ALL).items()


def test_every_package_that_the_project_asks_for_is_pinned() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    command = names(declared["project"]["dependencies"])
    development = names(declared["dependency-groups"]["dev"])

    assert names(declared["dependency-groups"]["functions"]) <= pins(RUNTIME).keys()
    assert command | development <= pins(ALL).keys()
    for tool in TOOLS:
        assert names(declared["dependency-groups"][tool.stem]) <= pins(tool).keys()


def test_the_command_is_installed_with_the_packages_of_the_functions_and_no_other_list_has_their_versions() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    functions = declared["dependency-groups"]["functions"]

    assert names(functions) == set(functions)
    assert set(functions) <= names(declared["project"]["dependencies"])
    assert "optional-dependencies" not in declared["project"]


def test_each_tool_has_a_lock_and_none_is_among_the_projects_own_packages() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    tools = declared.keys() - {"dev", "functions"}

    assert tools == {tool.stem for tool in TOOLS}
    assert f"VERIFY_TOOLS := {' '.join(sorted(tools - {'audit'}))}\n" in (ROOT / "Makefile").read_text()
    for tool in tools:
        assert names(declared[tool]).isdisjoint(pins(ALL))


def test_every_lock_is_audited() -> None:
    planned = subprocess.run(["make", "-n", "audit"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607

    assert "--strict" in planned
    assert set(re.findall(r"--requirement (\S+)", planned)) == {
        str(lock.relative_to(ROOT)) for lock in (ALL, RUNTIME, *TOOLS, *RIVALS)
    }


@EVERY_LOCK
def test_every_line_is_a_pin_a_hash_or_a_comment(lock: Path) -> None:
    others = [
        line
        for line in lock.read_text().splitlines()
        if not (PIN.match(line) or HASH.match(line) or line.lstrip().startswith("#"))
    ]

    assert others == []
    assert "://" not in lock.read_text()


@EVERY_LOCK
def test_every_pin_has_a_hash(lock: Path) -> None:
    lines = lock.read_text().splitlines()

    unhashed = [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if PIN.match(line) and not HASH.match(following)
    ]

    assert unhashed == []


def test_the_layer_holds_nothing_but_the_declared_packages_and_what_they_need() -> None:
    declared = names(tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["functions"])
    needed_by_boto3_and_powertools = {
        "botocore",
        "jmespath",
        "python-dateutil",
        "s3transfer",
        "six",
        "typing-extensions",
        "urllib3",
    }

    assert pins(RUNTIME).keys() == declared | needed_by_boto3_and_powertools
