"""The demo's folder: replaced if a demo made it, refused otherwise."""

import shutil
from pathlib import Path

from patchlake_cli.absent_path import absence
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.location import MARKER, made_by_demo


def replace_folder(folder: Path) -> None:
    """Make an empty folder with the demo's marker, in place of one that the demo made before.

    The marker is written first and removed last, so the folder of a killed demo can be replaced too.

    Raises:
        CommandError: the folder exists and no demo made it, or it is inside the folder of another demo.
    """
    if demo := made_by_demo(folder.resolve().parents):
        raise CommandError(demo)
    if folder.is_dir() and (folder / MARKER).is_file():
        for entry in folder.iterdir():
            if entry.name != MARKER:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        return
    if folder.is_symlink() and not folder.exists():
        raise CommandError(f"{folder} {absence(folder)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder} exists and was not made by the demo: use another folder with --out"
        raise CommandError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKER).write_text("Made by `patchlake demo`, which replaces this folder when it runs again.\n")
    except OSError as error:
        msg = f"{folder} cannot be created: {error.strerror}"
        raise CommandError(msg) from error
