"""Measure patchlake and print the results; in full size, also write them into the docs."""

import argparse
import sys
import time

from benchmarks import (
    alternatives,
    answers,
    clocks,
    commit,
    cost,
    files,
    functions,
    million,
    pacing,
    patches,
    starts,
    whole_runs,
)

ALL = {
    "commit": commit.main,
    "files": files.main,
    "million": million.main,
    "pacing": pacing.main,
    "patches": patches.main,
    "clocks": clocks.main,
    "answers": answers.main,
    "runs": whole_runs.main,
    "alternatives": alternatives.main,
    "starts": starts.main,
    "functions": functions.main,
    "cost": cost.main,
}


def main() -> None:
    """Run the named benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(ALL)}; without a name, all"
    )
    parser.add_argument("--full", action="store_true", help="in full size, which takes an hour; write the docs' tables")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(ALL):
        parser.error(f"nothing is called {', '.join(sorted(unknown))}: choose from {', '.join(ALL)}")
    names = arguments.names or list(ALL)
    for number, name in enumerate(names, start=1):
        # No bar: redrawing it would be measured too.
        sys.stdout.write(f"{number} of {len(names)}: measuring {name}\n")
        sys.stdout.flush()
        began = time.monotonic()
        ALL[name](full=arguments.full)
        sys.stdout.write(f"{name} took {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
