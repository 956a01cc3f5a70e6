"""The commands, one module each: its options, its help, and the imports that it needs when it runs.

``patchlake --help`` imports all of these modules, so nothing heavy is imported at their top.
"""
