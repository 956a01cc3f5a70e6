"""The QuickSight stack: mistakes that the service would refuse or draw wrongly, and the statements of the page."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from trino_query_parser import parse_statement

from generators import ROOT
from generators.quicksight.colors import BY_COLUMN
from generators.quicksight.datasets import DATASETS, Dataset, Source, sources
from generators.quicksight.sheets import SHEETS
from patchlake.core.run import milliseconds, run_at
from patchlake.core.tables import ColumnType
from patchlake.sources.patch_states import PATCH_STATES
from patchlake_cli.embedded.cloudformation.template import read_template
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.location import LakeLocation
from tests.analytics.quicksight_checks import complaints, nodes, values
from tests.analytics.quicksight_shapes import OPERATIONS, shape_complaints
from tests.analytics.quicksight_stack import RESOURCES, TEMPLATE, of_type, stack
from tests.analytics.synthetic import collected, instance, listed, patch, write_run

[DASHBOARD] = of_type(RESOURCES, "Dashboard")
HELD = [
    datetime(1900, 1, 1, tzinfo=UTC),
    datetime(2026, 11, 12, 5, tzinfo=UTC),
    datetime(2037, 12, 31, 23, 59, 59, tzinfo=UTC),
]
NOT_HELD = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1899, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    datetime(2038, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
]
QUICKSIGHT = [name for name, body in RESOURCES.items() if body["Type"] in OPERATIONS]


@pytest.fixture(scope="module")
def copies(lake: Lake) -> dict[str, Source]:
    """The rows that each dataset copies from the story's lake, by name."""
    return {source.name: source for source in sources(lake)}


def asked(lake: Lake, source: Source, columns: str) -> set[Any]:
    """Return the different cells of a column of a dataset."""
    select = source.sql.replace("${DatabaseName}.", "")
    return {row[0] for row in lake.query(f"SELECT DISTINCT {columns} FROM ({select}) AS one").rows}  # noqa: S608


def read(page: str) -> str:
    """Return a page of the docs."""
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", QUICKSIGHT)
def test_a_resource_is_what_the_services_model_asks_for(name: str) -> None:
    assert shape_complaints(RESOURCES[name]) == []


def test_the_dashboard_has_none_of_the_mistakes_that_the_model_cannot_see() -> None:
    assert complaints(RESOURCES) == []


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_a_datasets_columns_are_those_of_its_query_in_trinos_grammar(
    lake: Lake, copies: dict[str, Source], dataset: Dataset
) -> None:
    [found] = [body for body in of_type(RESOURCES, "DataSet") if body["Name"] == f"patchlake {dataset.name}"]
    query = found["PhysicalTableMap"]["view"]["CustomSql"]

    parse_statement(query["SqlQuery"])

    assert "patchlake." in query["SqlQuery"]
    answer = lake.query(query["SqlQuery"].replace("FROM patchlake.", "FROM "))
    assert list(answer.columns) == [column["Name"] for column in query["Columns"]] == list(copies[dataset.name].columns)
    assert {column["Name"]: column["Type"] for column in query["Columns"]} == copies[dataset.name].columns
    assert found["ImportMode"] == "SPICE"
    assert found["IngestionWaitPolicy"] == {"WaitForSpiceIngestion": False}


def test_no_dataset_holds_what_is_sensitive_or_stands_still() -> None:
    names = set(values(of_type(RESOURCES, "DataSet"), "Name"))

    assert "instance_id" in names
    assert names.isdisjoint(column.name for column in PATCH_STATES.table if column.sensitive)
    assert "run_age_hours" not in names


def test_no_dataset_has_a_row_per_node_and_patch_or_a_text_that_spice_would_cut() -> None:
    names = set(values(of_type(RESOURCES, "DataSet"), "Name"))

    assert {"kb_id", "reason"} <= names
    assert "cve_ids" not in names
    assert {dataset.name for dataset in DATASETS}.isdisjoint({"node_patches", "latest_patches", "open_patches"})


@pytest.mark.parametrize(
    ("dataset", "column", "cells"),
    [
        ("days_non_compliant", "is_lower_bound", {"yes", "no"}),
        ("compliance_by_patch_group", "patch_group", {"(none)", None, "db", "web", "win"}),
    ],
)
def test_a_cell_can_be_read(
    lake: Lake, copies: dict[str, Source], dataset: str, column: str, cells: set[str | None]
) -> None:
    assert asked(lake, copies[dataset], column) == cells


@pytest.fixture(scope="module")
def lake_of_impossible_times(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake whose nodes have times that SPICE can hold, and times that it cannot, in every column of an API."""
    folder = tmp_path_factory.mktemp("times")
    times = [column.name for column in PATCH_STATES.table if column.type is ColumnType.TIMESTAMP and column.member]
    for run_id, missing, gone in (("20261111T060000Z", 0, 1), ("20261112T060000Z", 1, 0)):
        nodes = [
            collected(run_id, number, missing_count=missing, **dict.fromkeys(times, milliseconds(time)))
            for number, time in enumerate([*HELD, *NOT_HELD, *NOT_HELD[:gone]])
        ]
        found = [patch(run_id, number, "KB1", "Missing", installed_time=0) for number in range(len(nodes))]
        others = [
            instance(number, launch_time=milliseconds(time))
            for number, time in enumerate([*HELD, *NOT_HELD], len(nodes))
        ]
        covered = {
            "listed_at": milliseconds(NOT_HELD[-1]),
            "patches_status": "PARTIAL",
            "patches_rows": len(found),
            "instances_status": "LISTED",
            "instances_rows": len(others),
        }
        write_run(folder, run_id, [listed(len(nodes), **covered)], nodes, found, instances=others)
    return open_lake(LakeLocation(str(folder)), now=run_at("20261112T060000Z"))


@pytest.fixture(scope="module")
def impossible_copies(lake_of_impossible_times: Lake) -> dict[str, Source]:
    """The rows that each dataset copies from that lake, by name."""
    return {source.name: source for source in sources(lake_of_impossible_times)}


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_no_time_of_a_dataset_is_outside_the_years_that_spice_can_hold(
    lake_of_impossible_times: Lake, impossible_copies: dict[str, Source], dataset: Dataset
) -> None:
    source = impossible_copies[dataset.name]
    times = [name for name, kind in source.columns.items() if kind == "DATETIME"]
    answer = lake_of_impossible_times.query(source.sql.replace("${DatabaseName}.", ""))

    found = {time for row in answer.rows for name, time in zip(answer.columns, row, strict=True) if name in times}

    assert answer.rows
    assert all(HELD[0] <= time.replace(tzinfo=UTC) <= HELD[-1] for time in found - {None})


def test_a_time_that_spice_can_hold_stays_and_another_is_null(
    lake_of_impossible_times: Lake, impossible_copies: dict[str, Source]
) -> None:
    select = impossible_copies["latest_patch_states"].sql.replace("${DatabaseName}.", "")
    answer = lake_of_impossible_times.query(
        f"SELECT operation_end_time, registration_date FROM ({select}) AS one ORDER BY instance_id"  # noqa: S608
    )

    kept = [time.replace(tzinfo=None) for time in HELD] + [None] * len(NOT_HELD)
    assert answer.rows == [(time, time) for time in kept]


def test_the_trend_has_each_days_figures_as_series(lake: Lake, copies: dict[str, Source]) -> None:
    select = copies["trend"].sql.replace("${DatabaseName}.", "")
    answer = lake.query(f"SELECT series, amount FROM ({select}) AS one WHERE run_coverage LIKE '3 of 4 targets read%'")  # noqa: S608

    # The story's last day: 2 of 12 listed nodes are compliant. The unread target last had 2 more, those that are no
    # longer planned 1.
    assert dict(answer.rows) == {
        "COMPLIANT": 2,
        "NON_COMPLIANT": 3,
        "UNKNOWN": 7,
        "compliant": 16.6,
        "at least": 13.3,
        "read": 3,
        "not read": 1,
        "no longer planned": 2,
    }


@pytest.mark.parametrize(
    ("days", "band"),
    [
        *((days, "00 to 07 days") for days in (0, 7)),
        *((days, "08 to 14 days") for days in (8, 14)),
        *((days, "15 to 30 days") for days in (15, 30)),
        *((days, "31 days and more") for days in (31, 400)),
    ],
)
def test_the_bands_of_age_meet_and_do_not_overlap(lake: Lake, days: int, band: str) -> None:
    [dataset] = [dataset for dataset in DATASETS if dataset.name == "days_non_compliant"]

    answer = lake.query(
        f"SELECT {dataset.added['age_band']} FROM (SELECT {days} AS days_non_compliant FROM latest_run) AS one"  # noqa: S608
    )

    assert answer.rows == [(band,)]


def test_every_value_that_a_chart_is_divided_by_has_its_color(lake: Lake, copies: dict[str, Source]) -> None:
    for (dataset, column), colors in BY_COLUMN.items():
        shown = asked(lake, copies[dataset], column)

        assert shown, f"the story shows nothing in {dataset}"
        assert shown <= set(colors)


def test_what_a_visual_is_limited_to_is_there(lake: Lake, copies: dict[str, Source]) -> None:
    for visual in (visual for sheet in SHEETS for visual in sheet.visuals):
        for column, limited in visual.only.items():
            assert set(limited) <= asked(lake, copies[visual.dataset], column), visual.id


def test_what_is_not_known_has_words_in_every_format() -> None:
    formats = [
        node
        for node in nodes(DASHBOARD["Definition"]["Sheets"])
        if node.keys()
        & {"NumberDisplayFormatConfiguration", "StringFormatConfiguration", "DateTimeFormatConfiguration"}
    ]

    assert formats
    for each in formats:
        [inner] = each.values()
        assert inner["NullValueFormatConfiguration"]["NullString"]


def test_every_sheet_begins_with_the_run_and_how_much_it_read() -> None:
    for sheet in SHEETS:
        first = sheet.visuals[0]
        shown = [field.column for field in getattr(first, "columns", [])]
        assert (first.dataset, shown[:4]) == (
            "compliance_overall",
            ["run_at", "run_status", "run_coverage", "age_hours"],
        )


def test_two_stacks_of_one_account_have_no_id_in_common() -> None:
    one, other = stack(name="patchlake-a"), stack(name="patchlake-b")

    def ids(resources: Mapping[str, Any]) -> set[tuple[str, str]]:
        kinds = ("DataSource", "DataSet", "Dashboard")
        return {(kind, body[f"{kind}Id"]) for kind in kinds for body in of_type(resources, kind)}

    assert len(ids(one)) == len(DATASETS) + 2
    assert ids(one).isdisjoint(ids(other))


def test_every_dataset_is_refreshed_daily_and_only_after_it_is_there() -> None:
    refreshed = {}
    for body in stack(RefreshTime="06:30", RefreshTimezone="Europe/Berlin").values():
        if body["Type"] == "AWS::QuickSight::RefreshSchedule":
            made_after = RESOURCES[body["DependsOn"]]["Properties"]
            assert made_after["DataSetId"] == body["Properties"]["DataSetId"]
            refreshed[body["Properties"]["DataSetId"]] = body["Properties"]["Schedule"]["ScheduleFrequency"]

    assert set(refreshed) == {dataset["DataSetId"] for dataset in of_type(RESOURCES, "DataSet")}
    assert {tuple(sorted(frequency.items())) for frequency in refreshed.values()} == {
        (("Interval", "DAILY"), ("TimeOfTheDay", "06:30"), ("TimeZone", "Europe/Berlin"))
    }


def test_no_resource_of_quicksight_is_referred_to_by_ref() -> None:
    """Its Ref is the account id and its own id in one, which no property accepts."""
    refs = set(values(TEMPLATE, "Ref"))

    assert refs.isdisjoint(QUICKSIGHT)


def test_the_page_names_every_parameter_and_every_sheet() -> None:
    page = read("quicksight.md")
    table = page.partition("| parameter | value |")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if line))
    sheets = re.findall(r"^\| ([A-Z][\w ]+) \| \w", page, re.MULTILINE)

    assert sorted(named) == sorted(TEMPLATE["Parameters"])
    assert sheets == [sheet.name for sheet in SHEETS]
    assert all(output in page for output in TEMPLATE["Outputs"])


def test_the_page_adds_up_what_the_datasets_scan() -> None:
    rows = re.findall(r"^\| `(\w+)` \| view \| \d+ \| ([\d.]+) \| \d+ \|$", read("queries.md"), re.MULTILINE)
    scanned = {name: float(size) for name, size in rows}
    total = sum(scanned["compliance_trend" if dataset.name == "trend" else dataset.name] for dataset in DATASETS)

    assert f"The {len(DATASETS)} datasets" in read("quicksight.md")
    assert f"at most {total:.0f} bytes per node and day" in " ".join(read("quicksight.md").split())
    assert f"that is {total * 100_000 * 36 / 1e9:.1f} GB a day" in " ".join(read("quicksight.md").split())


def test_the_default_refresh_is_after_the_default_deadline() -> None:
    main = read_template(ROOT / "template.yaml")["Parameters"]
    hour = int(re.fullmatch(r"cron\(0 (\d+) \* \* \? \*\)", main["ScheduleExpression"]["Default"])[1])  # type: ignore[index]
    published = hour * 3600 + int(main["DeadlineSeconds"]["Default"]) + 2 * int(main["TickSeconds"]["Default"])
    refreshed = TEMPLATE["Parameters"]["RefreshTime"]["Default"].split(":")

    assert published < int(refreshed[0]) * 3600 + int(refreshed[1]) * 60
