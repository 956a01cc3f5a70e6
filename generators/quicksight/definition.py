"""The dashboard's ``Definition``: sheets, colors, computed columns and filters, from the data of ``sheets``."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from generators.quicksight.colors import BY_COLUMN
from generators.quicksight.datasets import Columns
from generators.quicksight.fields import Json, Place
from generators.quicksight.layout import Choice, Sheet
from generators.quicksight.visuals import Visual

type Calculated = Mapping[str, Mapping[str, tuple[str, str]]]
"""Type and expression of the columns that QuickSight computes, by dataset and name."""


def definition(sheets: Sequence[Sheet], datasets: Mapping[str, Columns], calculated: Calculated) -> Json:
    """Return the definition, without the datasets' ARNs.

    Args:
        sheets: the sheets, in order.
        datasets: the columns of each dataset, by its identifier in visuals.
        calculated: the columns that QuickSight computes.

    Raises:
        ValueError: a visual uses a column that its dataset does not have, or whose type does not fit.
    """
    computed = {name: {column: kind for column, (kind, _) in columns.items()} for name, columns in calculated.items()}
    offered = {name: {**columns, **computed.get(name, {})} for name, columns in datasets.items()}
    return {
        "CalculatedFields": [
            {"DataSetIdentifier": name, "Name": column, "Expression": expression}
            for name, columns in calculated.items()
            for column, (_, expression) in columns.items()
        ],
        "ColumnConfigurations": [
            {
                "Column": {"DataSetIdentifier": dataset, "ColumnName": column},
                "ColorsConfiguration": {
                    "CustomColors": [{"FieldValue": value, "Color": color} for value, color in colors.items()]
                },
            }
            for (dataset, column), colors in BY_COLUMN.items()
        ],
        "FilterGroups": [group for sheet in sheets for group in _filter_groups(sheet, offered)],
        "Sheets": [_sheet(sheet, offered) for sheet in sheets],
    }


def _sheet(sheet: Sheet, offered: Mapping[str, Columns]) -> Json:
    choices = sheet.choices
    return {
        "SheetId": sheet.id,
        "Name": sheet.name,
        "Title": sheet.name,
        "Description": sheet.question,
        "ContentType": "INTERACTIVE",
        "Visuals": [
            visual.shape(Place(visual=visual.id, dataset=visual.dataset, columns=offered[visual.dataset]))
            for visual in sheet.visuals
        ],
        "TextBoxes": [
            {"SheetTextBoxId": note.id, "Content": f"<text-box>{escape(note.text, quote=False)}</text-box>"}
            for note in sheet.notes
        ],
        **({"FilterControls": [_control(choice) for choice in choices]} if choices else {}),
        "Layouts": [sheet.grid()],
    }


def _control(choice: Choice) -> Json:
    return {
        "Dropdown": {
            "FilterControlId": choice.id,
            "SourceFilterId": f"{choice.id}-filter",
            "Title": choice.label,
            "Type": "MULTI_SELECT",
        }
    }


def _filter_groups(sheet: Sheet, offered: Mapping[str, Columns]) -> Iterator[Json]:
    visuals = sheet.visuals
    for visual in visuals:
        for column, values in visual.only.items():
            listed = {"CategoryValues": list(values), "NullOption": "NON_NULLS_ONLY"}
            yield _filter_group(f"{visual.id}-only-{column}", column, listed, sheet, [visual])
    for choice in sheet.choices:
        chosen = [visual for visual in visuals if choice.column in offered[visual.dataset]]
        if not chosen:
            raise ValueError(f"choice {choice.id}: no dataset of the sheet has a column {choice.column}")
        # Until the reader chooses, the sheet shows everything, including rows without a value.
        every = {"SelectAllOptions": "FILTER_ALL_VALUES", "NullOption": "ALL_VALUES"}
        yield _filter_group(choice.id, choice.column, every, sheet, chosen)


def _filter_group(name: str, column: str, listed: Json, sheet: Sheet, visuals: Sequence[Visual]) -> Json:
    datasets = [visual.dataset for visual in visuals]
    return {
        "FilterGroupId": f"{name}-group",
        "CrossDataset": "SINGLE_DATASET" if len(set(datasets)) == 1 else "ALL_DATASETS",
        "Status": "ENABLED",
        "Filters": [
            {
                "CategoryFilter": {
                    "FilterId": f"{name}-filter",
                    "Column": {"DataSetIdentifier": datasets[0], "ColumnName": column},
                    "Configuration": {"FilterListConfiguration": {"MatchOperator": "CONTAINS", **listed}},
                }
            }
        ],
        "ScopeConfiguration": {
            "SelectedSheets": {
                "SheetVisualScopingConfigurations": [
                    {
                        "SheetId": sheet.id,
                        "Scope": "SELECTED_VISUALS",
                        "VisualIds": [visual.id for visual in visuals],
                    }
                ]
            }
        },
    }
