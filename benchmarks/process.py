"""Run a command and print what it used: ``python -m benchmarks.process COMMAND …``.

It prints the last output of the command, then seconds and memory as JSON. It is a separate process because Linux counts
the memory of the parent as the child's peak until the child's program is loaded. This parent is small: it imports only
the standard library.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Run the command of the command line to its end, and exit with its code."""
    began = time.perf_counter()
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    used = {
        "wall_seconds": time.perf_counter() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mebibytes": usage.ru_maxrss / 1024,
    }
    sys.stdout.write("\n".join([*said[-1:], json.dumps(used)]))
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
