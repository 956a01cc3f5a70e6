"""Each kind of mistake in a dashboard is planted once, and found."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from generators.quicksight.definition import definition
from generators.quicksight.fields import Field, Place
from generators.quicksight.layout import Choice, Note, Sheet, row
from tests.analytics.quicksight_checks import complaints
from tests.analytics.quicksight_shapes import shape_complaints
from tests.analytics.quicksight_stack import RESOURCES

type Json = dict[str, Any]


def visual(dashboard: Json, name: str) -> Json:
    """Return one of its visuals."""
    bodies = [body for sheet in dashboard["Sheets"] for each in sheet["Visuals"] for body in each.values()]
    found: Json = next(body for body in bodies if body["VisualId"] == name)
    return found


def wells(dashboard: Json, name: str) -> Json:
    """Return the field wells of one of its visuals."""
    found: Json = visual(dashboard, name)["ChartConfiguration"]["FieldWells"]
    return next(iter(found.values())) if len(found) == 1 else found


def figure(dashboard: Json) -> Json:
    """Return the first figure's measure."""
    found: Json = wells(dashboard, "overview-compliant-percent")["Values"][0]["NumericalMeasureField"]
    return found


def category(dashboard: Json, well: str = "Category") -> Json:
    """Return a dimension of the bars by account."""
    found: Json = wells(dashboard, "overview-accounts")[well][0]["CategoricalDimensionField"]
    return found


def places(dashboard: Json) -> list[Json]:
    """Return the grid of the first sheet."""
    found: list[Json] = dashboard["Sheets"][0]["Layouts"][0]["Configuration"]["GridLayout"]["Elements"]
    return found


def chosen(dashboard: Json) -> Json:
    """Return the group of the filter by account of the second sheet."""
    groups = dashboard["FilterGroups"]
    found: Json = next(group for group in groups if group["FilterGroupId"] == "nodes-choose-account-group")
    return found


def scope(dashboard: Json) -> Json:
    """Return the purpose of that filter."""
    found: Json = chosen(dashboard)["ScopeConfiguration"]["SelectedSheets"]["SheetVisualScopingConfigurations"][0]
    return found


MISTAKES: dict[str, tuple[Callable[[Json], object], str]] = {
    "a dataset that is not declared": (
        lambda d: figure(d)["Column"].update(DataSetIdentifier="compliance"),
        "dataset compliance is not declared",
    ),
    "a dataset that is not in the stack": (
        lambda d: d["DataSetIdentifierDeclarations"][0].update(DataSetArn="arn:aws:quicksight:::dataset/other"),
        "dataset compliance_overall has the ARN of no dataset of the stack",
    ),
    "a dataset declared twice": (
        lambda d: d["DataSetIdentifierDeclarations"].append(d["DataSetIdentifierDeclarations"][0]),
        "dataset compliance_overall is declared twice",
    ),
    "a dataset that nothing uses": (
        lambda d: d["Sheets"].pop(),
        "dataset latest_coverage is used by no visual",
    ),
    "an unknown column": (
        lambda d: figure(d)["Column"].update(ColumnName="compliance_percent"),
        "dataset compliance_overall has no column compliance_percent",
    ),
    "a number made of text": (
        lambda d: figure(d)["Column"].update(ColumnName="run_status"),
        "run_status is a STRING and stands in a NumericalMeasureField",
    ),
    "a category made of a date": (
        lambda d: category(d)["Column"].update(ColumnName="run_at"),
        "run_at is a DATETIME and stands in a CategoricalDimensionField",
    ),
    "a cell in another type's format": (
        lambda d: wells(d, "nodes-oldest")["Values"][0]["Column"].update(ColumnName="days_non_compliant"),
        "days_non_compliant is a INTEGER and stands in a StringFormatConfiguration",
    ),
    "a field defined twice": (
        lambda d: figure(d).update(FieldId="overview-at-least.compliant_percent_lower_bound"),
        "field overview-at-least.compliant_percent_lower_bound is defined twice",
    ),
    "a sort by a field that is not there": (
        lambda d: visual(d, "nodes-worst")["ChartConfiguration"]["SortConfiguration"]["RowSort"][0]["FieldSort"].update(
            FieldId="nodes-worst.severity"
        ),
        "visual nodes-worst refers to field nodes-worst.severity, which it does not define",
    ),
    "two datasets in one visual": (
        lambda d: category(d, "Colors")["Column"].update(DataSetIdentifier="days_non_compliant"),
        "visual overview-accounts mixes datasets: days_non_compliant, latest_known_nodes",
    ),
    "a format by a column that is not there": (
        lambda d: visual(d, "coverage-runs")["ConditionalFormatting"]["ConditionalFormattingOptions"][0]["Cell"][
            "TextFormat"
        ]["TextColor"]["Solid"].update(Expression='{status} = "PARTIAL"'),
        "visual coverage-runs is formatted by status, which its dataset has not",
    ),
    "a visual without its question": (
        lambda d: visual(d, "overview-run").pop("Subtitle"),
        "visual overview-run has no title, or does not say what it answers",
    ),
    "a visual that is placed nowhere": (
        lambda d: places(d).pop(0),
        "overview-run is placed 0 times on sheet overview",
    ),
    "a visual that is placed twice": (
        lambda d: places(d).append({**places(d)[0], "RowIndex": 200}),
        "overview-run is placed 2 times on sheet overview",
    ),
    "a place for nothing": (
        lambda d: places(d)[0].update(ElementId="overview-gone"),
        "nothing on sheet overview is a VISUAL called overview-gone",
    ),
    "a place for another kind": (
        lambda d: places(d)[0].update(ElementType="TEXT_BOX"),
        "nothing on sheet overview is a TEXT_BOX called overview-run",
    ),
    "a place beyond the grid": (
        lambda d: places(d)[-1].update(ColumnIndex=1),
        "overview-platform-figures does not fit into the grid",
    ),
    "a place that is too high": (
        lambda d: places(d)[-1].update(RowSpan=22),
        "overview-platform-figures does not fit into the grid",
    ),
    "two visuals in one place": (
        lambda d: places(d)[1].update(RowIndex=4),
        "overview-run and overview-at-least overlap",
    ),
    "a filter for a visual of another sheet": (
        lambda d: scope(d)["VisualIds"].append("overview-run"),
        "filter nodes-choose-account-filter is for overview-run, which sheet nodes has not",
    ),
    "a filter for a sheet that is not there": (
        lambda d: scope(d).update(SheetId="gone"),
        "filter nodes-choose-account-filter is for nodes-age, which sheet gone has not",
    ),
    "a filter for a visual whose dataset has not the column": (
        lambda d: scope(d)["VisualIds"].append("nodes-run"),
        "filter nodes-choose-account-filter does nothing to nodes-run",
    ),
    "a filter of one dataset for another": (
        lambda d: chosen(d).update(CrossDataset="SINGLE_DATASET"),
        "filter nodes-choose-account-filter does nothing to nodes-worst",
    ),
    "a control without a filter": (
        lambda d: d["Sheets"][1]["FilterControls"][0]["Dropdown"].update(SourceFilterId="gone"),
        "control nodes-choose-account has no filter",
    ),
    "a choice that leaves a visual as it is": (
        lambda d: scope(d)["VisualIds"].remove("nodes-worst"),
        "control nodes-choose-account leaves out nodes-worst",
    ),
    "a computed column of one that is not there": (
        lambda d: d["CalculatedFields"][0].update(Expression='dateDiff({ran_at}, now(), "HH")'),
        "age_hours is computed from ran_at, which its dataset has not",
    ),
    "a function that is none": (
        lambda d: d["CalculatedFields"][0].update(Expression='dateDiff({run_at}, today(), "HH")'),
        "age_hours is computed by today, which no check here knows",
    ),
    "a computed column twice": (
        lambda d: d["CalculatedFields"].append(d["CalculatedFields"][0]),
        "two computed columns have one name",
    ),
    "an id twice": (
        lambda d: d["Sheets"][1].update(SheetId="overview"),
        "id overview is given twice",
    ),
    "a filter twice": (
        lambda d: d["FilterGroups"].append(d["FilterGroups"][0]),
        "filter overview-percent-by-day-only-series-group is there twice",
    ),
    "two sheets of one name": (
        lambda d: d["Sheets"][1].update(Name="Overview"),
        "two sheets are called Overview",
    ),
    "too many sheets": (
        lambda d: d["Sheets"].extend([d["Sheets"][0]] * (21 - len(d["Sheets"]))),
        "21 sheets are more than 20",
    ),
    "too many visuals": (
        lambda d: d["Sheets"][0]["Visuals"].extend([d["Sheets"][0]["Visuals"][0]] * 50),
        "sheet overview has more than 50 visuals",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_found(mistake: str) -> None:
    plant, complaint = MISTAKES[mistake]
    resources = deepcopy(RESOURCES)

    plant(resources["Dashboard"]["Properties"]["Definition"])

    assert complaint in complaints(resources)


REFUSED: dict[str, tuple[Callable[[Json], object], str]] = {
    "a name that is none of the models": (
        lambda d: visual(d, "overview-accounts")["ChartConfiguration"].update(BarsArrangement="PILED"),
        "PILED is none of CLUSTERED",
    ),
    "a color that is none": (
        lambda d: d["ColumnConfigurations"][0]["ColorsConfiguration"]["CustomColors"][0].update(Color="blue"),
        "blue does not match",
    ),
    "an id with a space": (lambda d: d["Sheets"][0].update(SheetId="over view"), "over view does not match"),
    "an id that is too long": (lambda d: d["Sheets"][0].update(SheetId="x" * 513), "513 is not within 1 and 512"),
    "a member that is not there": (lambda d: figure(d).update(Unit="%"), "Unknown parameter in"),
    "a member that is missing": (lambda d: figure(d).pop("Column"), "Missing required parameter in"),
    "a number that is text": (lambda d: places(d)[0].update(RowSpan="5"), "Invalid type for parameter"),
    "a column of the grid that is not there": (
        lambda d: places(d)[0].update(ColumnIndex=36),
        "36 is not within 0 and 35",
    ),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_the_model_refuses_is_found(mistake: str) -> None:
    plant, complaint = REFUSED[mistake]
    dashboard = deepcopy(RESOURCES["Dashboard"])

    plant(dashboard["Properties"]["Definition"])

    assert any(complaint in found for found in shape_complaints(dashboard))


PLACE = Place(visual="one", dataset="runs", columns={"run_at": "DATETIME", "run_status": "STRING", "nodes": "INTEGER"})


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Field("gone", "Gone").cell(PLACE), "visual one: dataset runs has no column gone"),
        (lambda: Field("run_status", "Status").measure(PLACE), "no SUM of run_status, which is a STRING"),
        (lambda: Field("nodes", "Nodes", how="COUNT").measure(PLACE), "no COUNT of nodes, which is a INTEGER"),
        (lambda: Field("nodes", "Nodes").dimension(PLACE), "nodes is a INTEGER, which makes no categories"),
        (lambda: row(3, *[Note(f"note-{index}", "Text.") for index in range(5)]), "5 parts cannot share 36 columns"),
        (lambda: row(3), "0 parts cannot share 36 columns"),
        (
            lambda: definition([Sheet("one", "One", "What?", [row(3, Choice("choose", "gone", "Gone"))])], {}, {}),
            "choice choose: no dataset of the sheet has a column gone",
        ),
    ],
)
def test_a_mistake_in_the_data_stops_the_generator(make: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make()


def test_a_note_may_hold_what_would_be_markup() -> None:
    sheet = Sheet("one", "One", "What?", [row(2, Note("note", "Fewer < more & <b>that</b>"))])

    [drawn] = definition([sheet], {}, {})["Sheets"]

    assert drawn["TextBoxes"][0]["Content"] == "<text-box>Fewer &lt; more &amp; &lt;b&gt;that&lt;/b&gt;</text-box>"
