"""The expected contents of every generated file, by its path."""

from collections.abc import Mapping
from pathlib import Path

from generators import ROOT
from generators.athena.template import analytics_template
from generators.documents import commands, data_dictionary, queries, quicksight
from generators.quicksight.datasets import sources
from generators.quicksight.template import quicksight_template
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.files import LakeFiles
from patchlake_cli.lake.statements import views


def files_of_the_code(lake: Lake) -> Mapping[Path, str]:
    """Return the files that follow from the code alone.

    Args:
        lake: any lake; only the types of its columns are read.
    """
    types = {view.name: lake.describe(view.name) for view in views()}
    return {
        ROOT / "templates" / "analytics.yaml": analytics_template(types),
        ROOT / "templates" / "quicksight.yaml": quicksight_template(sources(lake)),
        data_dictionary.PATH: data_dictionary.data_dictionary(types),
        commands.PATH: commands.commands_page(),
    }


def files_of_the_demo(sample: Lake, day: LakeFiles, nodes: int) -> Mapping[Path, str]:
    """Return the files that also show the answers of queries and their cost.

    Args:
        sample: the lake of the sample answers.
        day: one day of a large fleet, to measure the columns.
        nodes: the number of nodes of that day.
    """
    return {
        queries.PATH: queries.queries_page(sample, day, nodes),
        quicksight.PATH: quicksight.quicksight_page(day, nodes),
    }
