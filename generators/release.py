"""``make release``: wheel, source archive, packaged template and checksums in ``dist/``; the same bytes each time."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from generators import ROOT
from patchlake import __version__
from patchlake_cli.project_files import write_deployable

CHECKSUMS = "SHA256SUMS"


def newest_release(changelog: str) -> str | None:
    """Return the version of the newest entry of a changelog that has a version and a day; None if there is none."""
    found = re.search(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    return found[1] if found else None


def write_release(folder: Path, seconds: int) -> list[Path]:
    """Write a release to an empty folder, and return its files.

    Args:
        folder: exists.
        seconds: the time that the files in the archives have, since 1970.

    Raises:
        subprocess.CalledProcessError: hatchling could not build; standard error says why.
    """
    subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-m", "hatchling", "build", "--directory", folder],
        cwd=ROOT,
        env=os.environ | {"SOURCE_DATE_EPOCH": str(seconds)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    _write_template(folder, datetime.fromtimestamp(seconds, UTC))
    files = sorted(folder.iterdir())
    sums = "".join(f"{sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    (folder / CHECKSUMS).write_text(sums, encoding="utf-8")
    return [*files, folder / CHECKSUMS]


def _write_template(folder: Path, time: datetime) -> None:
    """Write the archive of the template, in which every entry is in one folder with the version in its name."""
    name = f"patchlake-template-{__version__}"
    with TemporaryDirectory() as temporary, ZipFile(folder / f"{name}.zip", "w", ZIP_DEFLATED) as archive:
        top = Path(temporary) / name
        write_deployable(top)
        for path in _files(top):
            entry = ZipInfo(path.relative_to(temporary).as_posix(), time.timetuple()[:6])
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def main() -> None:
    """Write the release of the current commit, whose version has an entry in the changelog, to ``dist/``."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if newest_release(changelog) != __version__:
        sys.exit(
            f"The newest entry of CHANGELOG.md is not '## [{__version__}] - YYYY-MM-DD': add it, or change the version."
        )
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    for file in write_release(dist, int(os.environ["SOURCE_DATE_EPOCH"])):
        sys.stdout.write(f"{file.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
