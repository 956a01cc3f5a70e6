"""Tables, in the one style of all pages."""

from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from patchlake_cli.terminal.console import visible_text
from patchlake_cli.visible_text import visible


class DataTable(Table):
    """A table of values that others chose: a line break in one does not look like another row."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:  # noqa: ANN401  # those of Table
        """Add a row."""
        super().add_row(*map(_cell, cells), **options)


def _cell(cell: RenderableType | None) -> RenderableType | None:
    match cell:
        case str():
            return Text(visible(cell))
        case Text():
            return visible_text(cell, breaks=False)
        case _:
            return cell


def new_table(title: str, *columns: str) -> DataTable:
    """Make an empty table in the style of all pages."""
    table = DataTable(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_percent", " %").replace("_", " "), overflow="fold")
    return table
