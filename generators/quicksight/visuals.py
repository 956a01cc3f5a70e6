"""The kinds of visuals in the dashboard, each with only the options that it needs, and their QuickSight form."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, override

from generators.quicksight.colors import BLUE
from generators.quicksight.fields import Field, Json, Place

CATEGORIES = 20
"""The bars of a chart; one more bar, Other, sums up the rest, so that nothing is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visual(ABC):
    """A visual of the dashboard.

    Attributes:
        id: unique in the dashboard.
        question: the question that the visual answers: its subtitle, and its text for screen readers.
        only: the values that it shows of some columns; it shows all values of the others.
    """

    form: ClassVar[str]
    """The name of the member of QuickSight's ``Visual``."""

    id: str
    dataset: str
    title: str
    question: str
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def shape(self, place: Place) -> Json:
        """Return its QuickSight form.

        Raises:
            ValueError: a column does not exist, or has a type that does not fit.
        """
        return {
            self.form: {
                "VisualId": self.id,
                "Title": {"Visibility": "VISIBLE", "FormatText": {"PlainText": self.title}},
                "Subtitle": {"Visibility": "VISIBLE", "FormatText": {"PlainText": self.question}},
                "VisualContentAltText": f"{self.title}. {self.question}",
                "ChartConfiguration": self.chart(place),
                **self.formats(place),
            }
        }

    @abstractmethod
    def chart(self, place: Place) -> Json:
        """Return its ``ChartConfiguration``."""

    def formats(self, _place: Place) -> Json:
        """Return its conditional formats."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi(Visual):
    """One number, in the color of its state."""

    form: ClassVar[str] = "KPIVisual"
    value: Field
    color: str

    @override
    def chart(self, place: Place) -> Json:
        return {
            "FieldWells": {"Values": [self.value.measure(place)], "TargetValues": [], "TrendGroups": []},
            "KPIOptions": {
                "PrimaryValueDisplayType": "ACTUAL",
                "PrimaryValueFontConfiguration": {"FontColor": self.color},
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(Visual):
    """Stacked bars: one per category, divided by color.

    Attributes:
        color: the column that divides a bar; without it, all bars have one color.
        order: ascending: vertical bars by category, such as dates. longest_first: horizontal bars by value.
    """

    form: ClassVar[str] = "BarChartVisual"
    category: Field
    value: Field
    color: Field | None = None
    order: Literal["ascending", "longest_first"] = "longest_first"
    tint: str = BLUE

    @override
    def chart(self, place: Place) -> Json:
        ascending = self.order == "ascending"
        colors = [self.color] if self.color else []
        return {
            "FieldWells": {
                "BarChartAggregatedFieldWells": {
                    "Category": [self.category.dimension(place)],
                    "Values": [self.value.measure(place)],
                    "Colors": [color.dimension(place) for color in colors],
                }
            },
            "SortConfiguration": {
                "CategorySort": [_sort(self.category, place, "ASC") if ascending else _sort(self.value, place, "DESC")],
                # A date must not move into Other.
                **({} if ascending else {"CategoryItemsLimit": _limit(CATEGORIES)}),
                **({"ColorSort": [_sort(self.color, place, "ASC")]} if self.color else {}),
            },
            "Orientation": "VERTICAL" if ascending else "HORIZONTAL",
            "BarsArrangement": "STACKED",
            **({} if colors else {"VisualPalette": {"ChartColor": self.tint}}),
            "CategoryLabelOptions": _axis_label(self.category),
            "ValueLabelOptions": _axis_label(self.value),
            "Legend": _legend(visible=bool(colors)),
            "DataLabels": {"Visibility": "VISIBLE", "Overlap": "DISABLE_OVERLAP"},
            "Tooltip": _tooltip([self.category, *colors, self.value], place),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Visual):
    """Percentages over time, on an axis from 0 to 100; a date without a run is a gap."""

    form: ClassVar[str] = "LineChartVisual"
    date: Field
    value: Field
    color: Field

    @override
    def chart(self, place: Place) -> Json:
        return {
            "FieldWells": {
                "LineChartAggregatedFieldWells": {
                    "Category": [self.date.dimension(place)],
                    "Values": [self.value.measure(place)],
                    "Colors": [self.color.dimension(place)],
                }
            },
            "SortConfiguration": {"CategorySort": [_sort(self.date, place, "ASC")]},
            "Type": "LINE",
            "XAxisLabelOptions": _axis_label(self.date),
            "PrimaryYAxisLabelOptions": _axis_label(self.value),
            "PrimaryYAxisDisplayOptions": {
                "AxisOptions": {
                    "DataOptions": {"NumericAxisOptions": {"Range": {"MinMax": {"Minimum": 0, "Maximum": 100}}}}
                },
                "MissingDataConfigurations": [{"TreatmentOption": "SHOW_AS_BLANK"}],
            },
            # Markers show a single run between two gaps, where there is no line.
            "DefaultSeriesSettings": {"MarkerStyleSettings": {"MarkerVisibility": "VISIBLE"}},
            "Legend": _legend(visible=True),
            "Tooltip": _tooltip([self.date, self.color, self.value], place),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Visual):
    """Rows.

    Attributes:
        columns: the columns, from left to right; with ``values``, the columns that group the rows.
        values: the measures of a group.
        sort: the columns to sort by; a minus before a name sorts the greatest first.
        colors: the colors of a cell's text, by column and value.
    """

    form: ClassVar[str] = "TableVisual"
    columns: Sequence[Field]
    values: Sequence[Field] = ()
    sort: Sequence[str] = ()
    colors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @override
    def chart(self, place: Place) -> Json:
        shown = {column.column: column for column in [*self.columns, *self.values]}
        return {
            "FieldWells": self._wells(place),
            "SortConfiguration": {
                "RowSort": [
                    _sort(shown[name.removeprefix("-")], place, "DESC" if name.startswith("-") else "ASC")
                    for name in self.sort
                ]
            },
            "TableOptions": {
                "HeaderStyle": {"TextWrap": "WRAP", "Height": 40},
                "CellStyle": {"Height": 25},
                "RowAlternateColorOptions": {"Status": "ENABLED"},
            },
            "FieldOptions": {
                "SelectedFieldOptions": [
                    {"FieldId": column.id_in(place), "CustomLabel": column.label, "Visibility": "VISIBLE"}
                    for column in shown.values()
                ]
            },
        }

    @override
    def formats(self, _place: Place) -> Json:
        options = [
            {
                "Cell": {
                    "FieldId": f"{self.id}.{column}",
                    "TextFormat": {"TextColor": {"Solid": {"Expression": f'{{{column}}} = "{value}"', "Color": color}}},
                }
            }
            for column, colors in self.colors.items()
            for value, color in colors.items()
        ]
        return {"ConditionalFormatting": {"ConditionalFormattingOptions": options}} if options else {}

    def _wells(self, place: Place) -> Json:
        if not self.values:
            return {"TableUnaggregatedFieldWells": {"Values": [column.cell(place) for column in self.columns]}}
        return {
            "TableAggregatedFieldWells": {
                "GroupBy": [column.dimension(place) for column in self.columns],
                "Values": [value.measure(place) for value in self.values],
            }
        }


def _sort(by: Field, place: Place, direction: str) -> Json:
    return {"FieldSort": {"FieldId": by.id_in(place), "Direction": direction}}


def _limit(items: int) -> Json:
    return {"ItemsLimit": items, "OtherCategories": "INCLUDE"}


def _axis_label(shown: Field) -> Json:
    return {"Visibility": "VISIBLE", "AxisLabelOptions": [{"CustomLabel": shown.label}]}


def _legend(*, visible: bool) -> Json:
    return {"Visibility": "VISIBLE", "Position": "TOP"} if visible else {"Visibility": "HIDDEN"}


def _tooltip(fields: Sequence[Field], place: Place) -> Json:
    items = [
        {"FieldTooltipItem": {"FieldId": shown.id_in(place), "Label": shown.label, "Visibility": "VISIBLE"}}
        for shown in fields
    ]
    return {
        "TooltipVisibility": "VISIBLE",
        "SelectedTooltipType": "DETAILED",
        "FieldBasedTooltip": {
            "AggregationVisibility": "HIDDEN",
            "TooltipTitleType": "NONE",
            "TooltipFields": items,
        },
    }
