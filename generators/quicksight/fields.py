"""A column as a visual shows it: its label, its unit, and its words for NULL.

NULL is never an empty cell or a zero: it has words, which are "unknown" unless NULL means something else.
"""

from dataclasses import dataclass
from typing import Any

from generators.quicksight.datasets import Columns

type Json = dict[str, Any]

DATE = "YYYY-MM-DD HH:mm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The visual of a field, and the types of the columns of its dataset."""

    visual: str
    dataset: str
    columns: Columns

    def type_of(self, column: str) -> str:
        """Return a column's type by QuickSight's name.

        Raises:
            ValueError: the dataset has no such column.
        """
        if column not in self.columns:
            raise ValueError(f"visual {self.visual}: dataset {self.dataset} has no column {column}")
        return self.columns[column]


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    Attributes:
        null: the words for NULL.
        unit: the text after a number.
        decimals: the number of decimals.
        how: the aggregation of a measure: SUM or MAX of numbers, COUNT of rows.
    """

    column: str
    label: str
    null: str = "unknown"
    unit: str = ""
    decimals: int = 0
    how: str = "SUM"

    def id_in(self, place: Place) -> str:
        """Return its id, unique in the dashboard."""
        return f"{place.visual}.{self.column}"

    def measure(self, place: Place) -> Json:
        """Return it as a ``MeasureField``.

        Raises:
            ValueError: the column cannot be aggregated in that way.
        """
        kind = place.type_of(self.column)
        if self.how == "COUNT" and kind == "STRING":
            return {"CategoricalMeasureField": {**self._named(place), "AggregationFunction": "COUNT"}}
        if self.how in {"SUM", "MAX"} and kind in {"INTEGER", "DECIMAL"}:
            return {
                "NumericalMeasureField": {
                    **self._named(place),
                    "AggregationFunction": {"SimpleNumericalAggregation": self.how},
                    "FormatConfiguration": {"FormatConfiguration": self._number()},
                }
            }
        raise ValueError(f"visual {place.visual}: no {self.how} of {self.column}, which is a {kind}")

    def dimension(self, place: Place) -> Json:
        """Return it as a ``DimensionField``.

        Raises:
            ValueError: a number cannot be a category.
        """
        kind = place.type_of(self.column)
        if kind == "STRING":
            return {"CategoricalDimensionField": {**self._named(place), "FormatConfiguration": self._nulls()}}
        if kind == "DATETIME":
            date = {"DateTimeFormat": "YYYY-MM-DD", **self._nulls()}
            return {"DateDimensionField": {**self._named(place), "DateGranularity": "DAY", "FormatConfiguration": date}}
        raise ValueError(f"visual {place.visual}: {self.column} is a {kind}, which makes no categories")

    def cell(self, place: Place) -> Json:
        """Return it as an ``UnaggregatedField`` of a table."""
        form: Json = {
            "STRING": {"StringFormatConfiguration": self._nulls()},
            "DATETIME": {"DateTimeFormatConfiguration": {"DateTimeFormat": DATE, **self._nulls()}},
        }.get(place.type_of(self.column), {"NumberFormatConfiguration": {"FormatConfiguration": self._number()}})
        return {**self._named(place), "FormatConfiguration": form}

    def _named(self, place: Place) -> Json:
        return {
            "FieldId": self.id_in(place),
            "Column": {"DataSetIdentifier": place.dataset, "ColumnName": self.column},
        }

    def _number(self) -> Json:
        return {
            "NumberDisplayFormatConfiguration": {
                **({"Suffix": self.unit} if self.unit else {}),
                "SeparatorConfiguration": {"ThousandsSeparator": {"Symbol": "COMMA", "Visibility": "VISIBLE"}},
                "DecimalPlacesConfiguration": {"DecimalPlaces": self.decimals},
                "NumberScale": "NONE",
                **self._nulls(),
            }
        }

    def _nulls(self) -> Json:
        return {"NullValueFormatConfiguration": {"NullString": self.null}}


def percent(column: str, label: str) -> Field:
    """Return a field for a percentage, which the views give from 0 to 100."""
    return Field(column, label, unit="%", decimals=1, how="MAX")
