"""A process that is killed while it writes into a folder."""

import subprocess
import sys
from pathlib import Path

from patchlake.adapters.directory import DirectoryStore

WRITE_AND_DIE = """
import io, os, signal, sys
from pathlib import Path
from patchlake.adapters.directory import DirectoryStore

class Deadly(io.BytesIO):
    def read(self, size=-1):
        return b"x" * size if self.seek(1, 1) < 100 else os.kill(os.getpid(), signal.SIGKILL)

DirectoryStore(Path(sys.argv[1])).create("runs/a", Deadly())
"""


def test_a_writer_that_is_killed_leaves_nothing_that_anybody_sees(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(tmp_path)], check=False)
    store = DirectoryStore(tmp_path)

    assert died.returncode == -9
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    assert list(store.keys("")) == []
    assert store.exists("runs/a") is False
    assert store.create("runs/a", b"whole") is True
    assert list(store.keys("")) == ["runs/a"]
