"""Mistakes in a dashboard that QuickSight would refuse or draw wrongly, and that cfn-lint and the SDK's model miss."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

type Json = dict[str, Any]

COLUMNS, TALLEST = 36, 21
"""Of the grid, and of an element in it."""
SHEETS, VISUALS = 20, 50
"""Of a dashboard, and of a sheet."""

NUMBERS = {"INTEGER", "DECIMAL"}
FITTING = {
    "NumericalMeasureField": NUMBERS,
    "NumericalDimensionField": NUMBERS,
    "CategoricalMeasureField": {"STRING"},
    "CategoricalDimensionField": {"STRING"},
    "DateMeasureField": {"DATETIME"},
    "DateDimensionField": {"DATETIME"},
    "NumberFormatConfiguration": NUMBERS,
    "StringFormatConfiguration": {"STRING"},
    "DateTimeFormatConfiguration": {"DATETIME"},
    "CategoryFilter": {"STRING"},
}
"""The types of column that a field, the format of a cell, or a filter can hold."""
FUNCTIONS = {"dateDiff", "now"}
"""Of QuickSight, those that the computed columns use."""


def complaints(resources: Mapping[str, Json]) -> list[str]:
    """Return every mistake in the dashboard of a stack without expressions, in words."""
    [dashboard] = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::QuickSight::Dashboard"]
    datasets = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::QuickSight::DataSet"]
    return list(_Dashboard(dashboard["Definition"], datasets).complaints())


def nodes(tree: Any) -> Iterator[Json]:  # noqa: ANN401  # any JSON
    """Return every object in a tree, the outer before the inner."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from nodes(item)


def values(tree: Any, key: str) -> list[Any]:  # noqa: ANN401  # any JSON
    """Return every value of a key, anywhere in a tree."""
    return [node[key] for node in nodes(tree) if key in node]


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that occur more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


@dataclass(frozen=True)
class _Dashboard:
    definition: Json
    datasets: list[Json]

    def complaints(self) -> Iterator[str]:
        yield from self._datasets()
        yield from self._columns()
        yield from self._fields()
        yield from self._layouts()
        yield from self._filters()
        yield from self._computed()
        yield from self._ids()

    @cached_property
    def sheets(self) -> list[Json]:
        return list(self.definition["Sheets"])

    @cached_property
    def visuals(self) -> dict[str, Json]:
        """The visuals by id."""
        return {visual["VisualId"]: visual for sheet in self.sheets for visual in _visuals(sheet)}

    @cached_property
    def types(self) -> dict[str, dict[str, str]]:
        """The columns with their types, by the identifier of the dataset."""
        tables = {
            dataset["DataSetId"]: {
                column["Name"]: column["Type"]
                for table in dataset["PhysicalTableMap"].values()
                for column in table["CustomSql"]["Columns"]
            }
            for dataset in self.datasets
        }
        declared = {
            declaration["Identifier"]: tables.get(declaration["DataSetArn"].rpartition("/")[2], {})
            for declaration in self.definition["DataSetIdentifierDeclarations"]
        }
        computed = {
            (field["DataSetIdentifier"], field["Name"]): "INTEGER" if field["Expression"].startswith("dateDiff") else ""
            for field in self.definition["CalculatedFields"]
        }
        return {
            name: {**columns, **{column: kind for (dataset, column), kind in computed.items() if dataset == name}}
            for name, columns in declared.items()
        }

    def _datasets(self) -> Iterator[str]:
        declared = self.definition["DataSetIdentifierDeclarations"]
        known = {dataset["DataSetId"] for dataset in self.datasets}
        for declaration in declared:
            if declaration["DataSetArn"].rpartition("/")[2] not in known:
                yield f"dataset {declaration['Identifier']} has the ARN of no dataset of the stack"
        for name in repeated(declaration["Identifier"] for declaration in declared):
            yield f"dataset {name} is declared twice"
        used = set(values(self.sheets, "DataSetIdentifier"))
        for name in sorted(self.types.keys() - used):
            yield f"dataset {name} is used by no visual"
        if len(declared) != len(known):
            yield f"{len(known)} datasets are made and {len(declared)} are declared"

    def _columns(self) -> Iterator[str]:
        for column in (node for node in nodes(self.definition) if {"DataSetIdentifier", "ColumnName"} <= node.keys()):
            name, dataset = column["ColumnName"], column["DataSetIdentifier"]
            if dataset not in self.types:
                yield f"dataset {dataset} is not declared"
            elif name not in self.types[dataset]:
                yield f"dataset {dataset} has no column {name}"
        for node in nodes(self.definition):
            for kind in FITTING.keys() & {*node, *node.get("FormatConfiguration", {})}:
                # A field and a filter contain their column; the format of a cell is next to it.
                held: Json = node.get(kind, {})
                formatted: Json | None = held.get("Column", node.get("Column"))
                if formatted and self._type(formatted) not in {*FITTING[kind], None}:
                    yield f"{formatted['ColumnName']} is a {self._type(formatted)} and stands in a {kind}"

    def _type(self, column: Json) -> str | None:
        return self.types.get(column["DataSetIdentifier"], {}).get(column["ColumnName"])

    def _fields(self) -> Iterator[str]:
        for field in repeated(field for visual in self.visuals.values() for field in _defined(visual)):
            yield f"field {field} is defined twice"
        for name, visual in self.visuals.items():
            for field in sorted(set(values(visual, "FieldId")) - set(_defined(visual))):
                yield f"visual {name} refers to field {field}, which it does not define"
            datasets = set(values(visual, "DataSetIdentifier"))
            if len(datasets) != 1:
                yield f"visual {name} mixes datasets: {', '.join(sorted(datasets))}"
            for expression in values(visual.get("ConditionalFormatting", {}), "Expression"):
                for column in re.findall(r"\{(\w+)\}", expression):
                    if not any(column in self.types.get(dataset, {}) for dataset in datasets):
                        yield f"visual {name} is formatted by {column}, which its dataset has not"
            if not (visual.get("Title") and visual.get("Subtitle")):
                yield f"visual {name} has no title, or does not say what it answers"

    def _layouts(self) -> Iterator[str]:
        for sheet in self.sheets:
            [layout] = sheet["Layouts"]
            elements = layout["Configuration"]["GridLayout"]["Elements"]
            placed = Counter((element["ElementId"], element["ElementType"]) for element in elements)
            parts = _parts(sheet)
            for part in sorted(parts):
                if placed[part] != 1:
                    yield f"{part[0]} is placed {placed[part]} times on sheet {sheet['SheetId']}"
            for part in sorted(placed.keys() - parts):
                yield f"nothing on sheet {sheet['SheetId']} is a {part[1]} called {part[0]}"
            for element in elements:
                if element["ColumnIndex"] + element["ColumnSpan"] > COLUMNS or element["RowSpan"] > TALLEST:
                    yield f"{element['ElementId']} does not fit into the grid"
            for one, other in combinations(elements, 2):
                if _overlap(one, other):
                    yield f"{one['ElementId']} and {other['ElementId']} overlap"

    def _filters(self) -> Iterator[str]:
        sheets = {sheet["SheetId"]: sheet for sheet in self.sheets}
        reached: dict[str, set[str]] = {}
        for group in self.definition["FilterGroups"]:
            [filter_] = [body for kind in group["Filters"] for body in kind.values()]
            [scope] = group["ScopeConfiguration"]["SelectedSheets"]["SheetVisualScopingConfigurations"]
            reached[filter_["FilterId"]] = set(scope["VisualIds"])
            there = {visual["VisualId"] for visual in _visuals(sheets.get(scope["SheetId"], {}))}
            for name in scope["VisualIds"]:
                if name not in there:
                    yield f"filter {filter_['FilterId']} is for {name}, which sheet {scope['SheetId']} has not"
                elif not self._filterable(self.visuals[name], filter_["Column"], group["CrossDataset"]):
                    yield f"filter {filter_['FilterId']} does nothing to {name}"
        for sheet in self.sheets:
            yield from self._controls(sheet, reached)

    def _controls(self, sheet: Json, reached: Mapping[str, set[str]]) -> Iterator[str]:
        for control in _controls(sheet):
            name, source = control["FilterControlId"], control["SourceFilterId"]
            if source not in reached:
                yield f"control {name} has no filter"
                continue
            # The run's own figures are of the whole fleet, and say so.
            for visual in {visual["VisualId"] for visual in _visuals(sheet)} - {f"{sheet['SheetId']}-run"}:
                if visual not in reached[source]:
                    yield f"control {name} leaves out {visual}"

    def _filterable(self, visual: Json, column: Json, across: str) -> bool:
        [dataset] = set(values(visual, "DataSetIdentifier"))
        own = {"DataSetIdentifier": dataset, "ColumnName": column["ColumnName"]}
        if across == "SINGLE_DATASET":
            return column == own
        return self._type(own) is not None and self._type(own) == self._type(column)

    def _computed(self) -> Iterator[str]:
        for field in self.definition["CalculatedFields"]:
            name, columns = field["Name"], self.types.get(field["DataSetIdentifier"], {})
            for column in re.findall(r"\{(\w+)\}", field["Expression"]):
                if column not in columns:
                    yield f"{name} is computed from {column}, which its dataset has not"
            for function in set(re.findall(r"(\w+)\(", field["Expression"])) - FUNCTIONS:
                yield f"{name} is computed by {function}, which no check here knows"
        keys = [(field["DataSetIdentifier"], field["Name"]) for field in self.definition["CalculatedFields"]]
        if len(set(keys)) < len(keys):
            yield "two computed columns have one name"

    def _ids(self) -> Iterator[str]:
        ids = [
            *(sheet["SheetId"] for sheet in self.sheets),
            *(part for sheet in self.sheets for part, _ in _part_list(sheet)),
        ]
        for name in repeated(ids):
            yield f"id {name} is given twice"
        groups = self.definition["FilterGroups"]
        for name in repeated([*values(groups, "FilterGroupId"), *values(groups, "FilterId")]):
            yield f"filter {name} is there twice"
        for name in repeated(sheet["Name"] for sheet in self.sheets):
            yield f"two sheets are called {name}"
        if len(self.sheets) > SHEETS:
            yield f"{len(self.sheets)} sheets are more than {SHEETS}"
        for sheet in self.sheets:
            if len(_visuals(sheet)) > VISUALS:
                yield f"sheet {sheet['SheetId']} has more than {VISUALS} visuals"


def _visuals(sheet: Json) -> list[Json]:
    return [body for visual in sheet.get("Visuals", []) for body in visual.values()]


def _controls(sheet: Json) -> list[Json]:
    return [body for control in sheet.get("FilterControls", []) for body in control.values()]


def _part_list(sheet: Json) -> list[tuple[str, str]]:
    return [
        *((visual["VisualId"], "VISUAL") for visual in _visuals(sheet)),
        *((box["SheetTextBoxId"], "TEXT_BOX") for box in sheet.get("TextBoxes", [])),
        *((control["FilterControlId"], "FILTER_CONTROL") for control in _controls(sheet)),
    ]


def _parts(sheet: Json) -> set[tuple[str, str]]:
    return set(_part_list(sheet))


def _defined(visual: Json) -> list[str]:
    """Return the fields that a visual's wells define."""
    return [str(field) for field in values(visual["ChartConfiguration"]["FieldWells"], "FieldId")]


def _overlap(one: Json, other: Json) -> bool:
    return all(
        one[start] < other[start] + other[span] and other[start] < one[start] + one[span]
        for start, span in (("ColumnIndex", "ColumnSpan"), ("RowIndex", "RowSpan"))
    )
