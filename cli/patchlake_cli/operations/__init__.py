"""The operators' work on a deployed stack: show its status, start a run, redrive dead letters, check its settings."""
