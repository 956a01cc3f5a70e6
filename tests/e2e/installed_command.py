"""A release of this checkout, and the command that its wheel installs in an empty environment, elsewhere."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from signal import SIGINT

from tests.e2e.tools import ROOT, TIMEOUT_SECONDS


def checksum(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return sha256(file.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Installed:
    """The command of a wheel.

    Attributes:
        environment: the folder of its Python environment.
        folder: where it runs.
    """

    environment: Path
    folder: Path

    def popen(self, program: str, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Start a program of the environment, with nothing of this process's variables."""
        return subprocess.Popen(
            [self.environment / "bin" / program, *arguments],
            cwd=self.folder,
            env={"PATH": f"{self.environment / 'bin'}:/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8"}
            | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, program: str, *arguments: str, given: str = "", variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment to its end."""
        with self.popen(program, *arguments, **(variables or {})) as process:
            out, errors = process.communicate(given, timeout=TIMEOUT_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, errors)

    def patchlake(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one command."""
        return self.run("patchlake", *arguments, variables=variables)

    @contextmanager
    def embedded_aws(self, *options: str) -> Iterator[dict[str, str]]:
        """Yield the variables that lead to an embedded AWS with a deployed stack."""
        with self.popen("patchlake", "embedded-aws", *options) as process:
            assert process.stdout
            lines = takewhile(lambda line: line.startswith("export "), process.stdout)
            yield dict(line.removeprefix("export ").rstrip("\n").split("=", 1) for line in lines)
            process.send_signal(SIGINT)


def install(wheel: Path, folder: Path) -> Installed:
    """Install a wheel and the packages that it requires, in the locked versions, each file with its locked hash.

    Raises:
        subprocess.CalledProcessError: uv could not.
    """
    environment, requirements = folder / "environment", folder / "requirements.txt"
    requirements.write_text(f"patchlake @ {wheel.as_uri()} --hash=sha256:{checksum(wheel)}\n", encoding="utf-8")
    _uv("venv", "--python", sys.executable, environment)
    _uv(
        *("pip", "install", "--python", environment, "--require-hashes"),
        *("--constraint", ROOT / "requirements.txt", "--requirement", requirements),
    )
    (folder / "elsewhere").mkdir()
    return Installed(environment, folder / "elsewhere")


def _uv(*arguments: str | Path) -> None:
    subprocess.run([Path(sys.executable).with_name("uv"), "--quiet", *arguments], check=True)
