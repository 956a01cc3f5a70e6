"""Measurements: ``python -m benchmarks``, which the docs quote."""
