"""The work of operators on a deployed stack: look at it, start a run, send dead letters again, check its settings."""
