"""The command `patchlake`: the pipeline on a laptop. Never deployed."""
