"""``docs/data-dictionary.md``: every column of every table and view."""

from collections.abc import Mapping

from generators import ROOT
from generators.athena.template import GLUE_TYPES, Types
from generators.documents.pages import markdown, prose, with_generated
from patchlake.core.tables import INSTANCE_ID, Column, ColumnType, Table
from patchlake.sources.instances import INSTANCE_MEMBERS_LEFT_OUT
from patchlake.sources.nodes import NODE_COLUMNS, NODE_MEMBERS_LEFT_OUT
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.registry import COVERAGE, SOURCES
from patchlake.sources.source import DetailSource, Source
from patchlake_cli.lake.meanings import OBJECT, RUN_DATE, relation_meanings, statement_meanings
from patchlake_cli.lake.policy import OBJECT_PATH, POLICY_TABLES
from patchlake_cli.lake.statements import HISTORY, Statement, views

PATH = ROOT / "docs" / "data-dictionary.md"

_NODE = {column.name for column in NODE_COLUMNS}
_SOURCE_OF: dict[str, Source] = {source.table.name: source for source in SOURCES.sources}
_LEFT_OUT = {"InstanceInformation": NODE_MEMBERS_LEFT_OUT, "EC2's Instance": INSTANCE_MEMBERS_LEFT_OUT}


def data_dictionary(view_types: Mapping[str, Types]) -> str:
    """Return the page: a section for each table and view.

    Args:
        view_types: the columns of each view.
    """
    sections = [
        *(_left_out(structure, members) for structure, members in _LEFT_OUT.items()),
        *(_table_section(table) for table in SOURCES.tables),
        *(_policy_section(table) for table in POLICY_TABLES),
        *(_view_section(view, view_types[view.name]) for view in views()),
    ]
    return with_generated(PATH.read_text(encoding="utf-8"), "\n".join(sections))


def _left_out(structure: str, members: Mapping[str, str]) -> str:
    """Return the members that no table has, those with the same reason in one line."""
    by_reason: dict[str, list[str]] = {}
    for member, why in members.items():
        by_reason.setdefault(why, []).append(f"`{member}`")
    lines = "".join(f"- {', '.join(names)}: {why}.\n" for why, names in by_reason.items())
    return f"Members of {structure} that are in no table:\n\n{lines}"


def _table_section(table: Table) -> str:
    rows = [
        (
            f"`{column.name}`",
            GLUE_TYPES[column.type],
            _unit(table, column),
            _source(table, column),
            column.description,
            _null(table, column),
        )
        for column in table
    ]
    rows.append(("`run_date`", "string", "", "patchlake", RUN_DATE, "never"))
    return f"## Table `{table.name}`\n\n{table.description}\n\n" + markdown(
        ("column", "type", "unit", "source", "meaning", "NULL"), rows
    )


def _policy_section(table: Table) -> str:
    columns = {**{column.name: column.description for column in table}, f'"{OBJECT_PATH}"': OBJECT}
    rows = [(f"`{name}`", "string", meaning) for name, meaning in columns.items()]
    return f"## Table `{table.name}`\n\n{table.description} See [policy.md](policy.md).\n\n" + markdown(
        ("column", "type", "meaning"), rows
    )


def _unit(table: Table, column: Column) -> str:
    match column.type:
        case ColumnType.TIMESTAMP:
            return "UTC, ms"
        case ColumnType.INT32:
            if table.name != COVERAGE.name:
                return "patches"
            return "rows" if "rows" in column.name else "nodes"
        case _:
            return ""


def _source(table: Table, column: Column) -> str:
    if column.member is None:
        return "patchlake"
    source = _SOURCE_OF[table.name]
    operation = source.operation
    if column == INSTANCE_ID:
        return f"{'asked' if operation.id_member is None else 'both'}: {column.member}"
    if not isinstance(source, DetailSource):
        return f"{operation.name}: {column.member}"
    return f"{SOURCES.nodes.operation.name if column.name in _NODE else operation.name}: {column.member}"


def _null(table: Table, column: Column) -> str:
    if not column.nullable:
        return "never"
    if column.sensitive_parts:
        return "unless COLLECTED, or if SSM does not report it; in full only with IncludeSensitiveFields"
    if column.sensitive:
        return "unless IncludeSensitiveFields, or if SSM does not report it"
    if column.member is None:
        return "see meaning"
    source = _SOURCE_OF[table.name]
    if column.name in _NODE or not isinstance(source, DetailSource):
        return f"if {source.operation.service.upper()} does not report it"
    answered = {answer.name: answer for answer in source.answer_columns}[column.name]
    has_value = not answered.nullable and not answered.zero_is_absent
    return "unless COLLECTED" if has_value else "unless COLLECTED, or if SSM does not report it"


def _view_section(view: Statement, types: Types) -> str:
    if view.name.startswith(HISTORY):
        original = view.name.removeprefix(HISTORY)
        return f"## View `{view.name}`\n\n`{original}` over the last `HistoryDays` days instead of the window.\n"
    meanings = statement_meanings(view)
    of_table = relation_meanings(PATCH_STATES.name)
    passed_on = [name for name in meanings if of_table.get(name) == meanings[name]]
    has_all = set(PATCH_STATES.table.column_names) <= set(passed_on)
    rows = [
        (f"`{name}`", types[name], meaning)
        for name, meaning in meanings.items()
        if not has_all or name not in passed_on
    ]
    every = "Every column of `patch_states`, and:\n\n" if has_all else ""
    return f"## View `{view.name}`\n\n{prose(view)}\n{every}" + markdown(("column", "type", "meaning"), rows)
