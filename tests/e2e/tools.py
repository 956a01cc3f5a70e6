"""The tools of `make verify`, each in the environment that `scripts/setup TOOL` makes, and what sam builds."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEMPLATES = [ROOT / "template.yaml", *sorted((ROOT / "templates").glob("*.yaml"))]


@dataclass(frozen=True)
class Build:
    """What `sam build` has made."""

    folder: Path

    def packages(self, layer: str) -> Path:
        """Return what Lambda shows as /opt/python of a layer, by its name in the template."""
        return self.folder / layer / "python"

    def code(self, stage: str) -> Path:
        """Return what Lambda shows as /var/task of a function."""
        return self.folder / f"{stage.title()}Function"


def program(tool: str, name: str) -> Path:
    """Return the path of a program of a tool's environment."""
    return ROOT / ".venv-verify" / tool / "bin" / name


def run(
    tool: str, *arguments: str | Path, environment: Mapping[str, str] | None = None, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a tool's program of the same name, and wait for its end.

    Args:
        tool: sam or checkov.
        arguments: of the program.
        environment: variables beside this process's own, which hold no AWS account.
        folder: where it runs.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    # `sam build` looks for the functions' Python on PATH.
    path = os.pathsep.join([str(program("lambda", "")), variables.get("PATH", os.defpath)])
    quiet = {"PATH": path, "AWS_DEFAULT_REGION": "eu-central-1", "SAM_CLI_TELEMETRY": "0"}
    return subprocess.run(
        [program(tool, tool), *arguments],
        env=variables | quiet | dict(environment or {}),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
