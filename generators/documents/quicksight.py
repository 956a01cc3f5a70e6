"""``docs/quicksight.md``: the bytes that a refresh of the datasets scans."""

from textwrap import fill

from generators import ROOT
from generators.documents.pages import with_generated
from generators.documents.scans import scanned_bytes, scans
from generators.quicksight.datasets import DATASETS
from patchlake.sources.patch_states import PATCH_STATES
from patchlake_cli.lake.files import LakeFiles
from patchlake_cli.lake.statements import Settings, views

PATH = ROOT / "docs" / "quicksight.md"

_NODES = 100_000
_WIDTH = 120


def quicksight_page(day: LakeFiles, nodes: int) -> str:
    """Return the page.

    Args:
        day: one day of a large fleet, to measure the columns.
        nodes: the number of nodes of that day.
    """
    column_bytes = day.column_bytes(PATCH_STATES.name)
    # Rounded as docs/queries.md shows them, so that the figures of the two pages add up.
    scanned = {view.name: round(scanned_bytes(scans(view), column_bytes) / nodes, 1) for view in views()}
    total = sum(scanned[dataset.view] for dataset in DATASETS)
    days = Settings().window_days
    text = (
        f"The {len(DATASETS)} datasets together scan at most {total:.0f} bytes per node and day of the window, the sum "
        f"over [what each view scans](queries.md#what-a-query-scans). With {_NODES:,} nodes and a window of {days} "
        f"days that is {total * _NODES * (days + 1) / 1e9:.1f} GB a day."
    )
    return with_generated(PATH.read_text(encoding="utf-8"), fill(text, _WIDTH, break_on_hyphens=False))
