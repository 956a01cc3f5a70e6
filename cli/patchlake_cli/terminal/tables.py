"""Tables, in the one style of all pages."""

from rich import box
from rich.table import Table


def new_table(title: str, *columns: str) -> Table:
    """Make an empty table in the style of all pages."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_percent", " %").replace("_", " "), overflow="fold")
    return table
