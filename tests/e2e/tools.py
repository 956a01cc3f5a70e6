"""The tools of `make verify`, each in the environment that `scripts/setup TOOL` makes, and sam's build."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.embedded.lambda_.function_process import Runtime
from patchlake_cli.project_files import write_deployable

ROOT = Path(__file__).parents[2]
TEMPLATES = [ROOT / "template.yaml", *sorted((ROOT / "templates").glob("*.yaml"))]
TIMEOUT_SECONDS = 900
"""Ends what hangs: the slowest takes two minutes on a quiet machine, and five on one with other work."""
LAYERS = ("RuntimeLayerX8664", "PatchlakeLayer")
"""The layers that a function has under /opt/python on this machine's architecture."""


@dataclass(frozen=True)
class Build:
    """The result of `sam build`."""

    folder: Path

    def packages(self, layer: str) -> Path:
        """Return the folder that Lambda shows as /opt/python, of a layer by its name in the template."""
        return self.folder / layer / "python"

    def code(self, stage: str) -> Path:
        """Return the folder that Lambda shows as /var/task, of a function."""
        return self.folder / f"{stage.title()}Function"

    def path(self, stage: str) -> str:
        """Return the path that a function imports from."""
        return ":".join(str(folder) for folder in (self.code(stage), *map(self.packages, LAYERS)))

    def stack(self, stack: DeployedStack, runtime: Runtime) -> DeployedStack:
        """Return a stack that runs the build, and nothing of the working tree."""
        layers = tuple(map(self.packages, LAYERS))
        functions = {
            stage: replace(function, code_path=self.code(stage), layer_paths=layers, runtime=runtime)
            for stage, function in stack.functions.items()
        }
        return replace(stack, functions=functions)


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
        environment: variables in addition to this process's own, which hold no AWS account.
        folder: where it runs.

    Raises:
        subprocess.TimeoutExpired: it has not ended in time.
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
        timeout=TIMEOUT_SECONDS,
    )


def build_stack(folder: Path) -> Build:
    """Build everything that is deployed, functions and layers for both architectures, into a folder.

    The sources are those that `patchlake template` writes, so the build needs nothing else of the checkout.

    Raises:
        subprocess.CalledProcessError: sam could not.
    """
    write_deployable(folder / "written")
    options = ("--build-dir", folder / "built", "--cache-dir", folder / "cache")
    result = run("sam", "build", *options, folder=folder / "written")
    if result.returncode:
        raise subprocess.CalledProcessError(result.returncode, result.args, stderr=result.stderr)
    return Build(folder / "built")
