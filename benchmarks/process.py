"""Run a command and tell what it used: ``python -m benchmarks.process COMMAND …``.

It prints what the command printed last, then seconds and memory as JSON. A process of its own because Linux counts the
memory of whoever starts a process as that process's peak, up to the moment in which its program is loaded; this one is
small, so it imports nothing but the standard library.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Run the command of the command line to its end, and end as it does."""
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
