"""The files of the project that the command reads: SQL, templates, and the code that is deployed.

A wheel carries them in this package, see hatch_build.py. A checkout has them in the root of the repository. This is the
only module that knows the difference.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

DEPLOYABLE = (
    "LICENSE",
    "functions",
    "layers/patchlake/Makefile",
    "layers/runtime",
    "samconfig.toml",
    "template.yaml",
    "templates",
)
"""The paths that ``sam build`` and ``sam deploy`` need, in addition to the package in ``layers/patchlake``."""

_COMPILED = "__pycache__"
_UNFINISHED = ".unfinished-"


def project_files() -> Traversable:
    """Return the folder that holds them at the paths of the repository."""
    package = files("patchlake_cli")
    packed = package / "project"
    return packed if packed.is_dir() else package / ".." / ".."


def sql_files(kind: str) -> list[Traversable]:
    """Return the SQL files of the ``views`` or of the ``queries``, by name."""
    folder = project_files() / "analytics" / kind
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)


@contextmanager
def template_path() -> Iterator[Path]:
    """Yield the path of ``template.yaml``, next to the folders that it names."""
    with as_file(project_files()) as folder:
        yield folder / "template.yaml"


def is_empty(folder: Path) -> bool:
    """Whether a folder has nothing, or only what ``write_deployable`` left there when it was killed."""
    return all(entry.name.startswith(_UNFINISHED) for entry in folder.iterdir())


def write_deployable(folder: Path) -> None:
    """Write everything that ``sam build`` and ``sam deploy`` need to a folder that is new or empty: all or nothing.

    The package of the functions' layer is the installed package itself, so that the version deployed is the version
    that runs.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
    try:
        for path in DEPLOYABLE:
            _copy(project_files() / path, unfinished / path)
        _copy(files("patchlake"), unfinished / "layers" / "patchlake" / "patchlake")
        for entry in unfinished.iterdir():
            entry.rename(folder / entry.name)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        if is_new:
            # Only if nothing is in it.
            with suppress(OSError):
                folder.rmdir()


def _copy(source: Traversable, target: Path) -> None:
    with as_file(source) as path:
        for file in (path, *path.rglob("*")):
            place = file.relative_to(path)
            if file.is_file() and _COMPILED not in place.parts:
                (target / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target / place)
