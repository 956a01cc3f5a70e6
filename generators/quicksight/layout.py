"""A sheet as data: rows of visuals, notes and choices; the parts of a row have equal widths in QuickSight's grid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generators.quicksight.fields import Json
from generators.quicksight.visuals import Visual

COLUMNS = 36
"""The columns of QuickSight's grid."""


@dataclass(frozen=True, slots=True)
class Note:
    """A text on a sheet."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter for the reader, over all visuals of its sheet whose dataset has the column."""

    id: str
    column: str
    label: str


type Placed = Visual | Note | Choice


@dataclass(frozen=True, slots=True)
class Row:
    """Visuals, notes and choices next to each other, with equal widths.

    Attributes:
        height: in rows of QuickSight's grid.
    """

    height: int
    placed: Sequence[Placed]


def row(height: int, *placed: Placed) -> Row:
    """Return a row.

    Raises:
        ValueError: its parts cannot share the width evenly.
    """
    if not placed or COLUMNS % len(placed):
        raise ValueError(f"{len(placed)} parts cannot share {COLUMNS} columns evenly")
    return Row(height, placed)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet.

    Attributes:
        question: its description.
        rows: from top to bottom.
    """

    id: str
    name: str
    question: str
    rows: Sequence[Row]

    @property
    def visuals(self) -> list[Visual]:
        """Its visuals, from top to bottom."""
        return [part for part in self._parts() if isinstance(part, Visual)]

    @property
    def notes(self) -> list[Note]:
        """Its texts."""
        return [part for part in self._parts() if isinstance(part, Note)]

    @property
    def choices(self) -> list[Choice]:
        """The filters for the reader."""
        return [part for part in self._parts() if isinstance(part, Choice)]

    def grid(self) -> Json:
        """Return its ``Layout``."""
        screen = {"ResizeOption": "FIXED", "OptimizedViewPortWidth": "1600px"}
        return {
            "Configuration": {
                "GridLayout": {
                    "CanvasSizeOptions": {"ScreenCanvasSizeOptions": screen},
                    "Elements": list(self._elements()),
                }
            }
        }

    def _parts(self) -> Iterator[Placed]:
        for each in self.rows:
            yield from each.placed

    def _elements(self) -> Iterator[Json]:
        top = 0
        for each in self.rows:
            width = COLUMNS // len(each.placed)
            for index, part in enumerate(each.placed):
                yield {
                    "ElementId": part.id,
                    "ElementType": _element_type(part),
                    "ColumnIndex": index * width,
                    "ColumnSpan": width,
                    "RowIndex": top,
                    "RowSpan": each.height,
                }
            top += each.height


def _element_type(part: Placed) -> str:
    match part:
        case Note():
            return "TEXT_BOX"
        case Choice():
            return "FILTER_CONTROL"
        case Visual():
            return "VISUAL"
