"""The programs behind ``make generate``: templates and docs. Never shipped; only tests and benchmarks import them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The root of the project."""
