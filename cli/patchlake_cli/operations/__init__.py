"""What operators do with a deployed stack: look at it, start a run, send dead letters again, find what is amiss."""
