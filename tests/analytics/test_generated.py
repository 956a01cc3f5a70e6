"""Generated files are up to date, and name their source."""

import json
from base64 import b64decode
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from generators import ROOT
from generators.athena.template import COMMENT_LIMIT, GLUE_TYPES, HIVE_TYPES, TRINO_TYPES, comment
from generators.documents.pages import BEGIN, END, with_generated
from generators.documents.queries import without_samples
from generators.files import files_of_the_code, files_of_the_demo
from generators.large_day import NODES
from patchlake.sources.nodes import NODE_COLUMNS
from patchlake.sources.patch_states import PATCH_STATE_COLUMNS
from patchlake.sources.registry import SOURCES
from patchlake_cli.embedded.cloudformation.template import read_template
from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.files import find_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.meanings import relation_meanings, statement_meanings
from patchlake_cli.lake.policy import POLICY_TABLES, folder_of
from patchlake_cli.lake.statements import Settings, Statement, queries, read_statement, views
from tests.resolved_template import resolved

BUCKET = "lake-of-111122223333"
TWINS = {"": "2026-01-01,NOW", "recent_": "NOW-20DAYS,NOW", "history_": "NOW-90DAYS,NOW"}
"""The dates of a table and of its twins, by the prefix of the name."""


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The resources of the stack with a window of 20 days and a scan age of 9."""
    template = read_template(ROOT / "templates" / "analytics.yaml")
    parameters = {
        "BucketName": BUCKET,
        "WindowDays": "20",
        "ScanMaxAgeDays": "9",
        "HistoryDays": "90",
        "DatabaseName": "patches",
    }
    filled: dict[str, Any] = resolved(template, {"Database": "patches"}, **parameters)["Resources"]
    return filled


def of_type(resources: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the tables or views by name, or the properties of other resources."""
    found = [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]
    inner = [properties.get("TableInput", properties) for properties in found]
    return {properties["Name"]: properties for properties in inner}


def tables(resources: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the Glue tables of one kind."""
    return {name: table for name, table in of_type(resources, "AWS::Glue::Table").items() if table["TableType"] == kind}


def test_every_generated_file_is_up_to_date(lake: Lake, large_day: Path) -> None:
    # The samples come from the demo: tests/e2e/test_whole_demo.py compares them with the demo's lake.
    large = find_lake(LakeLocation(str(large_day)))
    files = {**files_of_the_code(empty_lake()), **files_of_the_demo(lake, large, NODES)}
    stale = [
        str(path.relative_to(ROOT))
        for path, content in files.items()
        if without_samples(path.read_text(encoding="utf-8")) != without_samples(content)
    ]

    assert stale == [], "run `make generate`"


def test_nothing_but_the_samples_is_left_out_of_the_comparison() -> None:
    page = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
    asked = "\n`patchlake query --lake demo --named "
    assert page.count(asked) == without_samples(page).count(asked) == len(queries())
    assert "| 111122223333 |" in page
    assert "| 111122223333 |" not in without_samples(page)
    assert page.count("```sql") == without_samples(page).count("```sql")
    assert page.partition("## What a query scans")[2] == without_samples(page).partition("## What a query scans")[2]


def test_the_glue_columns_are_those_of_the_declared_tables(resources: dict[str, Any]) -> None:
    glue = tables(resources, "EXTERNAL_TABLE")

    published = {f"{prefix}{table.name}": table for table in SOURCES.tables for prefix in TWINS}
    declared = published | {table.name: table for table in POLICY_TABLES}
    assert set(glue) == set(declared)
    for name, table in declared.items():
        columns = glue[name]["StorageDescriptor"]["Columns"]
        assert [(column["Name"], column["Type"]) for column in columns] == [
            (column.name, GLUE_TYPES[column.type]) for column in table
        ]
        assert all(0 < len(column["Comment"]) <= COMMENT_LIMIT for column in columns)


def test_a_table_of_the_policy_reads_every_line_of_its_prefix_as_texts(resources: dict[str, Any]) -> None:
    glue = tables(resources, "EXTERNAL_TABLE")

    for table in POLICY_TABLES:
        stored = glue[table.name]["StorageDescriptor"]
        assert stored["Location"] == f"s3://{BUCKET}/policy/{folder_of(table)}/"
        assert stored["InputFormat"] == "org.apache.hadoop.mapred.TextInputFormat"
        assert stored["SerdeInfo"] == {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
            "Parameters": {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\x01"},
        }
        assert {column["Type"] for column in stored["Columns"]} == {"string"}
        # The views have to see the headers.
        assert "skip.header.line.count" not in glue[table.name]["Parameters"]


def test_the_tables_project_their_partitions_and_the_twins_the_window_only(resources: dict[str, Any]) -> None:
    glue = tables(resources, "EXTERNAL_TABLE")

    for prefix, published in product(TWINS, SOURCES.tables):
        table = glue[prefix + published.name]
        assert table["Parameters"]["projection.run_date.range"] == TWINS[prefix]
        folder = f"s3://{BUCKET}/lake/{published.name}/"
        assert table["StorageDescriptor"]["Location"] == folder
        assert table["Parameters"]["storage.location.template"] == folder + "run_date=${run_date}/"
        assert [key["Name"] for key in table["PartitionKeys"]] == ["run_date"]


@pytest.mark.parametrize("view", [pytest.param(view, id=view.name) for view in views()])
def test_a_views_text_is_its_file_with_the_parameters_filled_in(
    resources: dict[str, Any], lake: Lake, view: Statement
) -> None:
    table = tables(resources, "VIRTUAL_VIEW")[view.name]
    types = lake.describe(view.name)

    text = table["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    document = json.loads(b64decode(text, validate=True))

    expected = view.render(Settings(window_days=20, scan_max_age_days=9, history_days=90))
    assert document["originalSql"].split() == expected.split()
    assert (document["catalog"], document["schema"]) == ("awsdatacatalog", "patches")
    assert document["columns"] == [{"name": name, "type": TRINO_TYPES[kind]} for name, kind in types.items()]
    assert [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]] == [
        (name, HIVE_TYPES[kind]) for name, kind in types.items()
    ]
    assert table["Parameters"]["presto_view"] == "true"
    assert table["ViewExpandedText"] == "/* Presto View */"


def test_every_view_and_every_question_is_deployed(resources: dict[str, Any]) -> None:
    assert set(tables(resources, "VIRTUAL_VIEW")) == {view.name for view in views()}

    named = of_type(resources, "AWS::Athena::NamedQuery")
    assert set(named) == {query.name for query in queries()}
    for query in queries():
        assert named[query.name]["QueryString"].endswith(query.sql)
        assert named[query.name]["Description"] == f"{query.number}. {query.question}"


def test_the_workgroup_enforces_its_settings(resources: dict[str, Any]) -> None:
    [workgroup] = of_type(resources, "AWS::Athena::WorkGroup").values()
    settings = workgroup["WorkGroupConfiguration"]

    assert settings["EnforceWorkGroupConfiguration"] is True
    assert settings["EngineVersion"] == {"SelectedEngineVersion": "Athena engine version 3"}
    assert int(settings["BytesScannedCutoffPerQuery"]) >= 10_000_000
    assert settings["ResultConfiguration"]["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}
    assert settings["ResultConfiguration"]["OutputLocation"] == "s3://ResultsBucket/"


def test_a_key_of_ones_own_encrypts_the_results() -> None:
    key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    template = read_template(ROOT / "templates" / "analytics.yaml")

    resources = resolved(template, BucketName=BUCKET, KmsKeyArn=key)["Resources"]

    workgroup = resources["Workgroup"]["Properties"]["WorkGroupConfiguration"]
    assert workgroup["ResultConfiguration"]["EncryptionConfiguration"] == {"EncryptionOption": "SSE_KMS", "KmsKey": key}
    [rule] = resources["ResultsBucket"]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}


@pytest.mark.parametrize("statement", [pytest.param(s, id=s.name) for s in (*views(), *queries())])
def test_every_column_has_a_meaning_and_a_place_in_the_docs(lake: Lake, statement: Statement) -> None:
    meanings = statement_meanings(statement)

    if statement.number is None:
        assert list(meanings) == list(lake.describe(statement.name))
    assert all(meanings.values())


def test_the_tables_columns_are_those_of_the_files_and_of_the_docs(lake: Lake) -> None:
    page = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    for table in SOURCES.tables:
        documented = page.partition(f"## Table `{table.name}`")[2].partition("\n## ")[0]
        names = [line.split("`")[1] for line in documented.splitlines() if line.startswith("| `")]
        assert names == [*table.column_names, "run_date"] == list(lake.describe(table.name))
        assert list(relation_meanings(table.name)) == names


@pytest.mark.parametrize(("table", "units"), [("coverage", {"nodes", "rows"}), ("patch_states", {"patches"})])
def test_the_data_dictionary_says_what_a_table_counts(table: str, units: set[str]) -> None:
    page = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    documented = page.partition(f"## Table `{table}`")[2].partition("\n## ")[0]

    assert {line.split("|")[3].strip() for line in documented.splitlines() if "| int |" in line} == units


def test_every_column_of_ssm_is_put_in_the_place_that_stands_for_them(tmp_path: Path) -> None:
    file = tmp_path / "odd.sql"
    file.write_text("-- Question: What?\n-- Rows: one.\nSELECT\n  s.${NodeColumns},\n  ${PatchStateColumns}\nFROM s\n")

    statement = read_statement(file)

    of_nodes, of_states = ([column.name for column in columns] for columns in (NODE_COLUMNS, PATCH_STATE_COLUMNS))
    assert [column.sql() for column in statement.tree.selects] == [*(f"s.{name}" for name in of_nodes), *of_states]
    assert max(map(len, statement.sql.splitlines())) <= 120


def test_a_header_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "odd.sql"
    file.write_text("-- Question: What?\n-- What else?\nSELECT 1\n")

    with pytest.raises(ValueError, match=r"odd\.sql: the header has an invalid line: 'What else\?'"):
        read_statement(file)


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"gone": "Nothing."}, "describes names that are not columns: gone"),
        ({}, "must say what made_up is, elsewhere it is nothing"),
    ],
)
def test_a_header_must_describe_the_columns_that_are_there(columns: dict[str, str], complaint: str) -> None:
    statement = Statement("odd", None, "What?", "one.", (), columns, [], "SELECT run_id, 1 AS made_up FROM runs")

    with pytest.raises(ValueError, match=complaint):
        statement_meanings(statement)


def test_a_comment_is_cut_between_sentences() -> None:
    assert comment("One. Two: " + "x" * 300) == "One. Two"


def test_a_page_without_a_place_for_it_is_refused() -> None:
    assert with_generated(f"a\n{BEGIN}\nold\n{END}\nb\n", "new\n") == f"a\n{BEGIN}\n\nnew\n\n{END}\nb\n"
    with pytest.raises(ValueError, match="expected a part between"):
        with_generated("a\n", "new")
