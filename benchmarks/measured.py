"""The cost of a piece of work: in this process, or in a separate one."""

import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.deployed import variables


@dataclass
class Spent:
    """The time used: wall-clock seconds, processor seconds."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0


@contextmanager
def spending() -> Iterator[Spent]:
    """Measure a block, all threads of this process included."""
    spent = Spent()
    wall, cpu = time.perf_counter(), time.process_time()
    yield spent
    spent.cpu_seconds = time.process_time() - cpu
    spent.wall_seconds = time.perf_counter() - wall


def peak_mebibytes() -> float:
    """Return the most memory that this process ever held, since its program was loaded."""
    [kibibytes] = re.findall(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kibibytes) / 1024


def forget_peak() -> None:
    """Reset ``peak_mebibytes`` to the memory that this process holds now."""
    Path("/proc/self/clear_refs").write_text("5")


def side_by_side(rounds: int, works: Mapping[str, Callable[[], object]]) -> dict[str, list[Spent]]:
    """Do each work once a round, in turns, so that other load on the machine affects all equally."""
    spent: dict[str, list[Spent]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            with spending() as one:
                work()
            spent[name].append(one)
    return spent


def apart(module: str, *arguments: object) -> dict[str, Any]:
    """Run a module as a separate process, with the functions' variables; return the figures that it prints."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=os.environ | variables())
    return dict(json.loads(result.stdout.splitlines()[-1]))


def tell(figures: Mapping[str, float | Sequence[float]]) -> None:
    """Print what ``apart`` reads."""
    sys.stdout.write(json.dumps(figures) + "\n")


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Write a median with minimum and maximum."""
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def machine(*packages: str) -> str:
    """Describe this machine without naming it, and the versions that matter."""
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return f"{os.cpu_count()} cores ({platform.machine()}), Linux, Python {platform.python_version()}, {versions}"
