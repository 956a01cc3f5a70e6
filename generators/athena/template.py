"""``templates/analytics.yaml``: the tables, views and named queries as CloudFormation, generated from tables and SQL.

A view is a Glue table whose text is the base64 encoding of a JSON document with the SQL. The SQL in the template is
readable: CloudFormation fills in the parameters and encodes it. A YAML scalar in double quotes folds the lines of a
SELECT into one line, as JSON requires.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap

from generators.template_file import filled, with_parts
from patchlake.core.tables import ColumnType, Table
from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.parameters import Parameter, ParameterType
from patchlake_cli.lake.policy import OBJECT_PATH, POLICY_TABLES, folder_of
from patchlake_cli.lake.statements import HISTORY, RECENT, Statement, queries, views

type Types = Mapping[str, str]
"""The columns of a view in order, with their types by Athena's names."""

COMMENT_LIMIT = 255
"""The maximum length of a column's comment in Glue."""

GLUE_TYPES = {
    ColumnType.STRING: "string",
    ColumnType.INT32: "int",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.TIMESTAMP: "timestamp",
}
HIVE_TYPES = {
    "varchar": "string",
    "integer": "int",
    "bigint": "bigint",
    "double": "double",
    "boolean": "boolean",
    "timestamp": "timestamp",
}
"""Glue's types by Athena's names, for the columns of a view."""

TRINO_TYPES = {**{name: name for name in HIVE_TYPES}, "timestamp": "timestamp(3)"}
"""The types in the text of a view, by Athena's names; its timestamps have milliseconds."""

_DATES = {"": "${FirstDay},NOW", RECENT: "NOW-${WindowDays}DAYS,NOW", HISTORY: "NOW-${HistoryDays}DAYS,NOW"}
"""The dates of a table and of its twins, by the prefix of the name."""

_DAYS_OF = {"": "", RECENT: " Only the days of the window.", HISTORY: " Only the days of the history."}

_PLACE_OF_PATH = "the path of the object"

_FILE = Path(__file__).with_name("analytics.yaml")


def analytics_template(view_types: Mapping[str, Types]) -> str:
    """Return the whole template.

    Args:
        view_types: the columns of each view.
    """
    return with_parts(
        _FILE.read_text(encoding="utf-8"),
        tables=lambda model: "\n".join(
            _table(model, table, prefix, dates) for table in SOURCES.tables for prefix, dates in _DATES.items()
        ),
        policy=lambda model: "\n".join(_policy_table(model, table) for table in POLICY_TABLES),
        views=lambda model: "\n".join(_view(model, view, view_types[view.name]) for view in views()),
        queries=lambda model: "\n".join(_query(model, query) for query in queries()),
    )


def comment(description: str) -> str:
    """Return the sentences of a description that fit into a comment in Glue."""
    kept = ""
    for sentence in re.split(r"(?<=[.;:]) ", description):
        if len(kept) + len(sentence) >= COMMENT_LIMIT:
            break
        kept = f"{kept} {sentence}".strip()
    return kept.rstrip(".;:")


def _table(model: str, table: Table, prefix: str, dates: str) -> str:
    return filled(
        model,
        prefix + table.name,
        description=json.dumps(table.description + _DAYS_OF[prefix]),
        dates=dates,
        folder=table.name,
        **_columns(table),
    )


def _policy_table(model: str, table: Table) -> str:
    return filled(
        model,
        table.name,
        description=json.dumps(table.description),
        folder=folder_of(table),
        **_columns(table),
    )


def _columns(table: Table) -> dict[str, Sequence[str]]:
    return {
        "column": table.column_names,
        "type": [GLUE_TYPES[column.type] for column in table],
        "comment": [json.dumps(comment(column.description)) for column in table],
    }


def _view(model: str, view: Statement, types: Types) -> str:
    # Only Athena's name of an object has to be quoted: in SQL, then in JSON, then in YAML.
    sql = view.sql.replace(f'"{OBJECT_PATH}"', _PLACE_OF_PATH)
    if '"' in sql or "\\" in sql or "--" in sql:
        raise ValueError(f"{view.name}: a view cannot hold double quotes, backslashes or -- comments")
    columns = ", ".join(f'{{"name":"{name}","type":"{TRINO_TYPES[kind]}"}}' for name, kind in types.items())
    if "${" not in view.sql:
        # cfn-lint refuses a !Sub that fills in nothing.
        model = model.replace('Sql: !Sub "', 'Sql: "')
    return filled(
        model,
        view.name,
        description=json.dumps(view.question),
        json=wrap(columns, 100, break_on_hyphens=False, break_long_words=False),
        sql=sql.replace(_PLACE_OF_PATH, rf"\\\"{OBJECT_PATH}\\\"").splitlines(),
        column=list(types),
        type=[HIVE_TYPES[kind] for kind in types.values()],
    )


def _parameter(parameter: Parameter) -> str:
    example = parameter.example if parameter.type is ParameterType.DAYS else f"'{parameter.example}'"
    return f"{parameter.name}, such as {example}: {parameter.meaning}"


def _query(model: str, query: Statement) -> str:
    header = [query.question, f"Rows: {query.rows}", *map(_parameter, query.parameters)]
    return filled(
        model,
        query.name,
        description=json.dumps(f"{query.number}. {query.question}"),
        sql=[*(f"-- {part}" for line in header for part in wrap(line, 100)), *query.sql.splitlines()],
    )
