"""Every file that is generated from the tables and the SQL, as it should be."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from patchlake.sources.patch_states import PATCH_STATES
from patchlake_cli.analytics.documents import data_dictionary, query_pages, scan_section, with_generated
from patchlake_cli.analytics.files import LakeFiles
from patchlake_cli.analytics.lake import Lake
from patchlake_cli.analytics.quicksight.datasets import sources
from patchlake_cli.analytics.quicksight.template import quicksight_template
from patchlake_cli.analytics.statements import ANALYTICS, queries, views
from patchlake_cli.analytics.template import analytics_template

ROOT = ANALYTICS.parent


def generated_files(
    sample: Lake, arguments: Mapping[str, Sequence[str]], day: LakeFiles, nodes: int
) -> dict[Path, str]:
    """Return the contents of every generated file, by its path.

    Args:
        sample: where the sample answers come from.
        arguments: for the queries that have parameters.
        day: one day of a large fleet, to weigh the columns.
        nodes: how many it has.
    """
    types = {view.name: sample.describe(view.name) for view in views()}
    scanned = scan_section(day.column_bytes(PATCH_STATES.name), nodes)
    pages = {
        "data-dictionary.md": data_dictionary(types),
        "queries.md": f"{answered_questions(sample, arguments)}\n{scanned}",
    }
    return {
        ROOT / "templates" / "analytics.yaml": analytics_template(types),
        ROOT / "templates" / "quicksight.yaml": quicksight_template(sources(sample)),
        **{
            ROOT / "docs" / name: with_generated((ROOT / "docs" / name).read_text(encoding="utf-8"), generated)
            for name, generated in pages.items()
        },
    }


def answered_questions(sample: Lake, arguments: Mapping[str, Sequence[str]]) -> str:
    """Return the questions of ``docs/queries.md``, each with its SQL and a sample of its answer."""
    answers = {query.name: sample.named(query.name, arguments.get(query.name, ())) for query in queries()}
    return query_pages(answers, arguments, f"{sample.now:%Y-%m-%d}")
