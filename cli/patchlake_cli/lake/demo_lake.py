"""The lake of a demo: its days are in the past, so it answers as of its last run."""

from datetime import date
from pathlib import Path

from patchlake_cli.lake.files import find_lake
from patchlake_cli.lake.location import MARKER, LakeLocation


def last_day_of_demo(location: LakeLocation) -> date | None:
    """Return the date of the last run of a demo's lake; None for any other lake.

    Raises:
        LakeError: the folder of a demo has no lake, or it cannot be read.
    """
    folder = Path(location.text).resolve()
    if location.bucket is not None or not any((each / MARKER).is_file() for each in (folder, folder.parent)):
        return None
    return date.fromisoformat(find_lake(location).dates[-1])
