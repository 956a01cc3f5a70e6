"""The settings of template.yaml that benchmarks need."""

from functools import cache
from pathlib import Path

from patchlake_cli.embedded.cloudformation.template import Template, read_template

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("plan", "discover", "collect", "commit")


@cache
def _template() -> Template:
    return read_template(ROOT / "template.yaml")


def default(parameter: str) -> int:
    """Return the default of a parameter that is a number."""
    return int(_template()["Parameters"][parameter]["Default"])


def gigabytes(stage: str) -> float:
    """Return the memory of a stage's function, in GB as Lambda bills it: 1,024 MB."""
    function = _template()["Resources"][f"{stage.title()}Function"]
    return float(function["Properties"]["MemorySize"]) / 1024


def time_out(stage: str) -> int:
    """Return the seconds that an invocation of a stage's function may take."""
    return int(_template()["Resources"][f"{stage.title()}Function"]["Properties"]["Timeout"])


def variables() -> dict[str, str]:
    """Return the environment variables that are the same for all functions and in every stack."""
    found = _template()["Globals"]["Function"]["Environment"]["Variables"].items()
    return {name: value for name, value in found if isinstance(value, str)}
