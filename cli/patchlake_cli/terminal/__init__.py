"""The terminal: the console, the progress of a run, tables, and the summary of a run."""
