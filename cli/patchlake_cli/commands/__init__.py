"""The commands, one module each: its options, its help, and the imports that it needs to run.

``patchlake --help`` imports all of these modules, so they import nothing heavy at the top.
"""
