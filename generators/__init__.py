"""The programs of ``make generate``, which write templates and docs. Only tests and benchmarks import them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The root of the project."""
