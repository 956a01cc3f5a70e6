"""What writes the generated templates and pages: ``make generate``. Never shipped, and imported by tests only."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""Of the project."""
