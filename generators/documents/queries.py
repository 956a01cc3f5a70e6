"""``docs/queries.md``: every named query with a sample of its answer, and the bytes that each scans."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from generators import ROOT
from generators.documents.pages import markdown, prose, with_generated
from generators.documents.scans import scanned_bytes, scans
from generators.lakes import sample_arguments
from patchlake.sources.patch_states import PATCH_STATES
from patchlake_cli.lake.engine import Answer, Lake
from patchlake_cli.lake.files import LakeFiles
from patchlake_cli.lake.statements import RUN_COLUMNS, Settings, Statement, queries, views

PATH = ROOT / "docs" / "queries.md"

SAMPLE_ROWS = 6

_ASKED = "`patchlake query --lake demo --named "

_SCANS = """\
## What a query scans

Athena charges for the bytes that it scans, and it scans only the columns that an answer depends on. The table shows the
bytes of `patch_states` that each view and query reads per node and day of the window, from the Parquet metadata of a
day of {nodes:,} random nodes (with random ids and times). `coverage` adds one row per target. These are upper bounds: a
query about the latest run joins on its date, so Athena can skip the partitions of other days.

*Readings* counts how often tables are read, small ones included: Athena computes a view again wherever another one
names it. Athena may refuse a statement with more than about 100 ([limits](limits.md)); the command computes the
same views without this limit.

"""


def queries_page(sample: Lake, day: LakeFiles, nodes: int) -> str:
    """Return the page.

    Args:
        sample: the lake of the sample answers.
        day: one day of a large fleet, to measure the columns.
        nodes: the number of nodes of that day.
    """
    scanned = scan_section(day.column_bytes(PATCH_STATES.name), nodes)
    return with_generated(PATH.read_text(encoding="utf-8"), f"{answered_questions(sample)}\n{scanned}")


def answered_questions(sample: Lake) -> str:
    """Return every named query: its question, its SQL, and a sample of its answer."""
    index = markdown(
        ("question", "named query"), [(f"{q.number}. {q.question}", f"[`{q.name}`](#{q.name})") for q in queries()]
    )
    arguments = sample_arguments(sample)
    sections = (_query_section(query, sample, arguments.get(query.name, ())) for query in queries())
    return "\n".join([index, *sections])


def without_samples(page: str) -> str:
    """Return a page without the answers of its samples: the part that does not depend on a lake."""
    return re.sub(rf"^({re.escape(_ASKED)}\S+).*?(?=^<a id=|^## |\Z)", r"\1\n", page, flags=re.MULTILINE | re.DOTALL)


def scan_section(column_bytes: Mapping[str, int], nodes: int) -> str:
    """Return a table of the bytes of ``patch_states`` that each view and query scans, per node and day of the window.

    Args:
        column_bytes: the size of each column of ``patch_states`` in the files of one day.
        nodes: the rows of that day.
    """
    rows = []
    for statement in (*views(), *queries()):
        readings = scans(statement)
        read = [scan.columns for scan in readings if scan.table == PATCH_STATES.name]
        scanned = scanned_bytes(readings, column_bytes)
        kind = "view" if statement.number is None else "query"
        columns = len(frozenset().union(*read))
        rows.append((f"`{statement.name}`", kind, columns, f"{scanned / nodes:.1f}", len(readings)))
    heads = ("name", "kind", "columns", "bytes per node and day", "readings")
    return _SCANS.format(nodes=nodes) + markdown(heads, rows)


def _query_section(query: Statement, sample: Lake, arguments: Sequence[str]) -> str:
    given = zip(query.parameters, arguments, strict=True)
    asked = "".join(f" --param {shlex.quote(f'{parameter.name}={argument}')}" for parameter, argument in given)
    return (
        f'<a id="{query.name}"></a>\n\n## {query.number}. {query.question}\n\n{prose(query)}\n'
        f"```sql\n{query.render(Settings()).rstrip()}\n```\n\n"
        f"{_ASKED}{query.name}{asked}`\n\n{_sample(sample.named(query.name, arguments))}"
    )


def _sample(answer: Answer) -> str:
    kept = [place for place, name in enumerate(answer.columns) if name not in RUN_COLUMNS]
    rows = [[_shown(row[place]) for place in kept] for row in answer.rows]
    table = markdown([answer.columns[place] for place in kept], rows[:SAMPLE_ROWS])
    more = len(rows) - SAMPLE_ROWS
    return table + (f"\n… and {more} more.\n" if more > 0 else "")


def _shown(value: Any) -> str:  # noqa: ANN401
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case "":
            return "''"
        case _:
            return str(value)
