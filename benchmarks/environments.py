"""The programs of benchmarks/rivals, each in the environment of its own lock."""

import subprocess
import sys
from pathlib import Path

from benchmarks.deployed import ROOT

RIVALS = ROOT / "benchmarks" / "rivals"


def make_environment(name: str) -> None:
    """Make an environment from its lock, every hash verified, or update an existing one."""
    uv, folder = Path(sys.executable).with_name("uv"), ROOT / ".venv-benchmarks" / name
    if not folder.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    lock = RIVALS / f"{name}.txt"
    subprocess.run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, lock], check=True)


def command(name: str, program: str, *arguments: object) -> list[str]:
    """Return the command line of a program in the environment of a name."""
    python = ROOT / ".venv-benchmarks" / name / "bin" / "python"
    return [str(word) for word in (python, RIVALS / f"{program}.py", *arguments)]
