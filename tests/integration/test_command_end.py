"""The end of the command's process."""

import subprocess
import sys

import pytest

_CODE = """
from threading import Event, Thread
from patchlake_cli import main

def run():
    Thread(target=Event().wait).start()
    print("published")
    return {code}

main.run_command_line = run
main.main()
"""


@pytest.mark.parametrize("code", [0, 1, 3, 130])
def test_a_command_that_is_done_waits_for_no_call_that_is_still_open(code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _CODE.format(code=code)], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "published\n", "")
