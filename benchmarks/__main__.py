"""``python -m benchmarks [--full] [NAME …]``: measure, and write the tables of the docs anew."""

import argparse
import sys
import time

from benchmarks import alternatives, commit, cost, fetch, files, million, pacing, starts, whole_runs

ALL = {
    "fetch": fetch.main,
    "commit": commit.main,
    "files": files.main,
    "million": million.main,
    "pacing": pacing.main,
    "runs": whole_runs.main,
    "alternatives": alternatives.main,
    "starts": starts.main,
    "cost": cost.main,
}


def main() -> None:
    """Measure what is named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, []], help="what to measure; without a name, all")
    parser.add_argument("--full", action="store_true", help="in full size, for the docs: the better part of an hour")
    arguments = parser.parse_args()
    for name in arguments.names or ALL:
        began = time.monotonic()
        ALL[name](full=arguments.full)
        sys.stdout.write(f"{name}: {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
