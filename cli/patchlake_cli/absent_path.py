"""The sentence about a path at which there is nothing."""

from pathlib import Path


def absence(path: Path) -> str:
    """Return the rest of a sentence that begins with the path: it does not exist, or is a link to nothing."""
    return f"is a symbolic link to {path.readlink()}, which does not exist" if path.is_symlink() else "does not exist"
