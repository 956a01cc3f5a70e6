"""Patchlake: one complete snapshot per run of the patch state of every managed node."""

__version__ = "0.1.0"
