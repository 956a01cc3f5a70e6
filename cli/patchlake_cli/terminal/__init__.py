"""The terminal: where the commands print, the progress of a run, tables, and the summary of a run."""
